// Publishes an event: node publish.mjs Order.Created '{"order_id": 4711}'
// HOOKTURN is the service's address, HOOKTURN_KEY a key for publishing.
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

// The answer (event_id, delivery_count, …). The Idempotency-Key is the same for all tries, so an event whose answer got
// lost is not published twice.
async function publish(hookturn, apiKey, eventName, payload) {
    const headers = {
        Authorization: `Bearer ${apiKey}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': randomUUID(),
    };
    const body = JSON.stringify({ event_name: eventName, payload });
    for (let attempt = 1; ; attempt++) {
        let problem;
        try {
            const signal = AbortSignal.timeout(10_000);
            const answer = await fetch(`${hookturn}/v1/public/webhook/event`, { method: 'POST', headers, body, signal });
            if (answer.status === 202) return await answer.json();
            problem = new Error(`hookturn: ${answer.status} ${await answer.text()}`);
            if (answer.status < 500) attempt = Infinity;
        } catch (error) {
            problem = error; // no answer came
        }
        if (attempt >= 5) throw problem;
        await setTimeout(100 * 2 ** attempt);
    }
}

const [, , eventName, payload] = process.argv;
const answer = await publish(process.env.HOOKTURN, process.env.HOOKTURN_KEY, eventName, JSON.parse(payload));
console.log(JSON.stringify(answer));
