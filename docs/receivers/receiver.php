<?php
// Takes hookturn's deliveries: put it into the web directory, and beside that directory, where no browser gets, a
// directory "webhook" that PHP can write, with the secret in the file "secret" (or name another by WEBHOOK_HOME).
//
// What is authentic is kept as inbox/<event id>.json and answered at once; a program of yours that cron starts works
// through the inbox. An event that comes again finds its file there. The secret is read for each delivery, so rotating
// means writing a new one into that file.
declare(strict_types=1);

const TOLERANCE_SECONDS = 300;
const MAX_BODY = 1 << 20;

/** Whether one of the header's v1 is this body's signature under the secret, made less than five minutes from now. */
function is_authentic(string $header, string $body, string $secret, int $now): bool
{
    $t = '0';
    $values = [];
    foreach (explode(',', $header) as $part) {
        [$name, $value] = array_pad(explode('=', trim($part), 2), 2, '');
        if ($name === 't' && preg_match('/^[0-9]{1,12}$/D', $value)) {
            $t = $value;
        } elseif ($name === 'v1') {
            $values[] = $value;
        }
    }
    if (abs($now - (int) $t) > TOLERANCE_SECONDS) {
        return false;
    }
    $expected = hash_hmac('sha256', "$t.$body", $secret); // over the bytes as they arrived
    foreach ($values as $value) {
        if (hash_equals($expected, $value)) {
            return true;
        }
    }
    return false;
}

/** Without it (before PHP 8.1) a power failure may cost what was answered in the seconds before. */
function sync($file): bool
{
    return $file && (!function_exists('fsync') || fsync($file));
}

/** On disk under the event's id when it returns; an event that is there already stays as it is. */
function keep(string $inbox, string $id, string $body): void
{
    $draft = "$inbox/." . bin2hex(random_bytes(8));
    $file = fopen($draft, 'x');
    $is_written = $file && fwrite($file, $body) === strlen($body) && fflush($file);
    $is_written = $is_written && sync($file);
    $is_there = $is_written && (@link($draft, "$inbox/$id.json") || file_exists("$inbox/$id.json")); // all or nothing
    @unlink($draft);
    if (!$is_there || !sync(fopen("$inbox/$id.json", 'r'))) { // its name is there after a power failure as well
        throw new RuntimeException("$inbox/$id.json cannot be made");
    }
}

function receive(string $home): int
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    $body = file_get_contents('php://input', false, null, 0, MAX_BODY + 1);
    if (strlen($body) > MAX_BODY) {
        return 413;
    }
    $secret = trim((string) @file_get_contents("$home/secret"));
    if (!str_starts_with($secret, 'whsec_')) {
        throw new RuntimeException("$home/secret holds no secret");
    }
    if (!is_authentic($_SERVER['HTTP_X_WEBHOOK_SIGNATURE'] ?? '', $body, $secret, time())) {
        return 401;
    }
    $id = $_SERVER['HTTP_X_WEBHOOK_ID'] ?? '';
    if (!preg_match('/^[A-Za-z0-9_-]{1,64}$/D', $id)) { // it becomes a file's name
        return 400;
    }
    keep("$home/inbox", $id, $body);
    return 204;
}

$home = getenv('WEBHOOK_HOME') ?: dirname($_SERVER['DOCUMENT_ROOT']) . '/webhook';
ini_set('display_errors', '0');
try {
    if (!is_dir("$home/inbox")) {
        mkdir("$home/inbox", 0700, true);
    }
    http_response_code(receive($home));
} catch (Throwable $problem) {
    error_log("webhook: {$problem->getMessage()}");
    http_response_code(500); // it is sent again later
}
