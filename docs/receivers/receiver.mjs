// Takes hookturn's deliveries on 127.0.0.1:PORT, behind a web server that has the certificate.
//
// WEBHOOK_HOME is a directory of this program's own, with the secret in the file "secret". What is authentic is kept as
// inbox/<event id>.json and answered at once; another program works through the inbox. An event that comes again finds
// its file there. The secret is read for each delivery, so rotating means writing a new one into that file.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { createServer } from 'node:http';

const TOLERANCE_SECONDS = 300;
const MAX_BODY = 1 << 20;
const home = process.env.WEBHOOK_HOME ?? 'webhook';

// Whether one of the header's v1 is this body's signature under the secret, made less than five minutes from now.
function isAuthentic(header, body, secret, now) {
    let t = '0';
    const values = [];
    for (const part of header.split(',')) {
        const [, name, value] = /^([^=]*)=?(.*)$/s.exec(part.trim());
        if (name === 't' && /^[0-9]{1,12}$/.test(value)) t = value;
        else if (name === 'v1') values.push(Buffer.from(value));
    }
    if (Math.abs(now - Number(t)) > TOLERANCE_SECONDS) return false;
    const hmac = createHmac('sha256', secret).update(`${t}.`).update(body); // the bytes as they arrived
    const expected = Buffer.from(hmac.digest('hex'));
    return values.some((value) => value.length === expected.length && timingSafeEqual(value, expected));
}

// On disk under the event's id when it returns; an event that is there already stays as it is.
async function keep(inbox, id, body) {
    const draft = `${inbox}/.${randomUUID()}`;
    const file = await open(draft, 'wx', 0o600);
    try {
        await file.writeFile(body);
        await file.sync();
        await link(draft, `${inbox}/${id}.json`); // all of it or nothing
    } catch (problem) {
        if (problem.code !== 'EEXIST') throw problem;
    } finally {
        await file.close();
        await unlink(draft);
    }
    const directory = await open(inbox, 'r');
    try {
        await directory.sync(); // the name is there after a power failure as well
    } finally {
        await directory.close();
    }
}

// The whole body, or null where it is too long.
async function readBody(request) {
    const pieces = [];
    let length = 0;
    for await (const piece of request) {
        length += piece.length;
        if (length > MAX_BODY) return null;
        pieces.push(piece);
    }
    return Buffer.concat(pieces);
}

async function receive(request) {
    if (request.method !== 'POST') return 405;
    const body = await readBody(request);
    if (body === null) return 413;
    const secret = (await readFile(`${home}/secret`, 'ascii')).trim();
    if (!secret.startsWith('whsec_')) throw new Error(`${home}/secret holds no secret`);
    if (!isAuthentic(request.headers['x-webhook-signature'] ?? '', body, secret, Date.now() / 1000)) return 401;
    const id = request.headers['x-webhook-id'] ?? '';
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) return 400; // it becomes a file's name
    await keep(`${home}/inbox`, id, body);
    return 204;
}

await mkdir(`${home}/inbox`, { recursive: true, mode: 0o700 });
const server = createServer(async (request, response) => {
    let status = 500; // it is sent again later
    try {
        status = await receive(request);
    } catch (problem) {
        console.error(problem.message);
    }
    response.writeHead(status, status === 413 ? { Connection: 'close' } : {}).end();
});
server.requestTimeout = 30_000;
server.listen(Number(process.env.PORT ?? 8090), '127.0.0.1');
