<?php
// Publishes an event, with nothing but PHP's curl extension: php publish.php Order.Created '{"order_id": 4711}'
// HOOKTURN is the service's address, HOOKTURN_KEY a key for publishing.
declare(strict_types=1);

/**
 * The answer (event_id, delivery_count, …). The Idempotency-Key is the same for all tries, so an event whose answer got
 * lost is not published twice.
 */
function publish(string $hookturn, string $api_key, string $event_name, array|object $payload): array
{
    $body = json_encode(['event_name' => $event_name, 'payload' => (object) $payload], JSON_THROW_ON_ERROR);
    $headers = ["Authorization: Bearer $api_key", 'Content-Type: application/json',
        'Idempotency-Key: ' . bin2hex(random_bytes(16))];
    for ($try = 1; ; $try++) {
        $curl = curl_init("$hookturn/v1/public/webhook/event");
        curl_setopt_array($curl, [CURLOPT_POSTFIELDS => $body, CURLOPT_HTTPHEADER => $headers,
            CURLOPT_RETURNTRANSFER => true, CURLOPT_CONNECTTIMEOUT => 2, CURLOPT_TIMEOUT => 10]);
        $answer = curl_exec($curl); // false where none came
        $status = $answer === false ? 0 : curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($status === 202) {
            return json_decode($answer, true, 8, JSON_THROW_ON_ERROR);
        }
        if (($status > 0 && $status < 500) || $try === 5) {
            throw new RuntimeException("hookturn: $status $answer");
        }
        usleep(100_000 << $try); // 0.2 s, 0.4 s, 0.8 s, 1.6 s
    }
}

[, $event_name, $payload] = $argv;
$answer = publish(getenv('HOOKTURN'), getenv('HOOKTURN_KEY'), $event_name, json_decode($payload));
echo json_encode($answer), "\n";
