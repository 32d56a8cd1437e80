import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const TOLERANCE = 5 * 60; // seconds

// Throws unless a delivery is Labhook's and recent. The body is that of the wire, to the byte.
export function verify(secret, headers, body) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  if (key.length < 24) throw new Error("the secret is no whsec_ one");
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE) {
    throw new Error("the timestamp is missing, or too old or new");
  }
  const want = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  for (const item of (headers["webhook-signature"] ?? "").split(" ")) { // several while the secret is rotated
    const [version, text = ""] = item.split(",");
    const got = Buffer.from(text, "base64");
    if (version === "v1" && got.length === want.length && timingSafeEqual(got, want)) return; // in constant time
  }
  throw new Error("no signature matches");
}

async function read(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > 1 << 20) throw new Error("the body is too large");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const server = createServer(async (request, response) => {
  try {
    verify(process.env.LABHOOK_SECRET ?? "", request.headers, await read(request));
  } catch (error) {
    response.writeHead(401).end(error.message);
    return;
  }
  // A webhook-id that was seen before is a repetition. Answer first and work later.
  response.writeHead(204).end();
});
server.requestTimeout = 30_000;
server.listen(process.env.PORT, "127.0.0.1");
