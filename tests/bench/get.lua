-- wrk: reads a subscription.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY")
