/* Reads a store for the torture of the whole product, which nobody else has open: for each event whose id stands on the
 * standard input, one line for each of its deliveries, `event subscription status attempts`; then verifies everything.
 *
 *     store_reader DATA_DIR */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "store/store.h"

static void complain_and_exit(const char *what, const char *cause)
{
    fprintf(stderr, "store_reader: %s: %s\n", what, cause);
    exit(EXIT_FAILURE);
}

static void print_delivery(struct store *store, const struct event *event, const struct object_id *subscription_id)
{
    char subscription_text[OBJECT_ID_TEXT];
    char event_text[OBJECT_ID_TEXT];
    struct delivery delivery = {0};
    object_id_format(subscription_id, subscription_text);
    object_id_format(&event->id, event_text);
    enum status status = store_delivery_get(store, &event->organization_id, subscription_id, &event->id, &delivery);
    printf("%s %s %s %u\n", event_text, subscription_text,
           status == STATUS_OK ? delivery_status_name(delivery.status) : status_name(status),
           status == STATUS_OK ? (unsigned)delivery.attempt_count : 0);
}

static void print_event(struct store *store, const char *text)
{
    struct object_id id;
    struct event event = {0};
    if (object_id_parse(text, &id) != STATUS_OK)
        complain_and_exit(text, "no id");
    enum status status = store_event_get(store, &id, &event);
    if (status != STATUS_OK)
        complain_and_exit(text, status_name(status));
    for (size_t i = 0; i < event.subscription_count; i++)
        print_delivery(store, &event, &event.subscriptions[i]);
    event_clear(&event);
}

int main(int argc, char **argv)
{
    struct conf conf;
    struct failure failure = {""};
    struct store *store;
    char line[OBJECT_ID_TEXT + 1];
    if (argc != 2 || setenv("HOOKTURN_DATA_DIR", argv[1], 1) != 0)
        complain_and_exit("usage", "store_reader DATA_DIR");
    if (conf_load("/dev/null", NULL, &conf, &failure) != STATUS_OK ||
        store_open(&conf, STORE_FOR_COMMAND, &store, &failure) != STATUS_OK)
        complain_and_exit(argv[1], failure.text);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        print_event(store, line);
    }
    store_close(store);
    if (store_check(&conf, &failure) != STATUS_OK)
        complain_and_exit("store_check", failure.text);
    conf_clear(&conf);
    return EXIT_SUCCESS;
}
