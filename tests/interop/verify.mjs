// Verifies captured deliveries with the libraries that receivers use: stripe's scheme in X-Webhook-Signature, Standard
// Webhooks' three headers with its own library and with svix's.
//
// Standard input: JSON lines {"headers": {name: value}, "body": text, "secrets": {name: secret}}.
// Standard output: for each line {"stripe": {name: accepted}, "standardwebhooks": {…}, "svix": {…}}.
import { createInterface } from "node:readline";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";

const stripe = new Stripe("sk_test_unused");

const verifiers = {
    stripe: (secret, headers, body) => stripe.webhooks.constructEvent(body, headers["x-webhook-signature"], secret),
    standardwebhooks: (secret, headers, body) => new StandardWebhook(secret).verify(body, headers),
    svix: (secret, headers, body) => new SvixWebhook(secret).verify(body, headers),
};

// The payload that the library hands over must be the delivery's body: acceptance without it would mean nothing.
function accepts(verify, secret, headers, body) {
    try {
        return JSON.stringify(verify(secret, headers, body)) === JSON.stringify(JSON.parse(body));
    } catch (error) {
        if (/signature/i.test(error.message)) return false;
        throw error;
    }
}

for await (const line of createInterface({ input: process.stdin })) {
    const { headers, body, secrets } = JSON.parse(line);
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const results = {};
    for (const [library, verify] of Object.entries(verifiers)) {
        results[library] = {};
        for (const [name, secret] of Object.entries(secrets)) {
            results[library][name] = accepts(verify, secret, lower, body);
        }
    }
    console.log(JSON.stringify(results));
}
