#!/bin/sh
# Publishes an event: publish.sh Order.Created '{"order_id": 4711}'
#
# HOOKTURN is the service's address, HOOKTURN_KEY a key for publishing. The Idempotency-Key is the same for all tries, so
# an event whose answer got lost is not published twice.
set -eu
once=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

# The key goes to curl by its standard input: arguments are seen by other users of the machine.
curl --fail --silent --show-error --config - --max-time 10 --retry 4 --retry-connrefused \
    -H 'Content-Type: application/json' -H "Idempotency-Key: $once" \
    -d "{\"event_name\": \"$1\", \"payload\": $2}" "$HOOKTURN/v1/public/webhook/event" <<END
header = "Authorization: Bearer $HOOKTURN_KEY"
END
