-- wrk: publishes small events. The key comes by the environment: a command line can be read by every user.
wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY")
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"event_name":"Order.Created","payload":{"order_id":4711}}'
