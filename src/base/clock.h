/* The only place that asks for the time, so that tests can link another clock in its stead. */
#ifndef HOOKTURN_BASE_CLOCK_H
#define HOOKTURN_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z by the system's clock. */
int64_t clock_now_ms(void);
/* The same in microseconds. */
int64_t clock_now_us(void);
/* Milliseconds since some start; never goes back; for intervals within one process. */
int64_t clock_monotonic_ms(void);
/* Sleeps real time; ends early on a signal. */
void clock_sleep_ms(int64_t milliseconds);

#endif
