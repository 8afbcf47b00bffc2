/* What ThreadSanitizer is told in a build with --enable-sanitizers=thread: linked into every program of that build, as
 * web servers start theirs with an environment of their own. TSAN_OPTIONS still overrides. */

extern const char races_options;
extern const char *__tsan_default_options(void);
extern const char *__tsan_default_suppressions(void);

/* What the linker is made to ask for (-u): the sanitizer has both functions already, with nothing in them. */
const char races_options = 0;

const char *__tsan_default_options(void)
{
    return "second_deadlock_stack=1:history_size=4";
}

/* Berkeley DB is not compiled with the sanitizer. Its latches, seen without the memory that they guard, would order
 * threads that nothing of ours orders (and so hide races), and be taken for mutexes that are locked in either order. So
 * what that library calls is not looked at; what is ours is, up to its door. */
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libdb-5.3.so\n";
}
