// Checks signed requests with the packages that receivers use, for TestNodePackagesTakeDeliveries. It is given the
// folder with node_modules as its argument and requests as a JSON array on standard input, and prints as a JSON array
// for each one what went wrong, "" when the package takes it:
//
//	{package: "standardwebhooks" | "svix" | "crypto", secret, headers: {name: value}, body: base64}
//
// "crypto" is Node's own Ed25519, as the packages know v1 alone; secret is then the whpk_ key.
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const from = createRequire(path.join(path.resolve(process.argv[2]), "x.js"));

function verifyV1a(secret, headers, body) {
  const raw = Buffer.from(secret.replace(/^whpk_/, ""), "base64");
  const key = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
  const head = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
  const signed = Buffer.concat([Buffer.from(head), body]);
  const ok = headers["webhook-signature"].split(" ").some((item) => {
    const [version, signature] = item.split(",");
    return version === "v1a" && crypto.verify(null, signed, key, Buffer.from(signature, "base64"));
  });
  if (!ok) throw new Error("No matching signature found");
}

function verify(request) {
  const body = Buffer.from(request.body, "base64");
  try {
    if (request.package === "crypto") {
      verifyV1a(request.secret, request.headers, body);
    } else {
      const { Webhook } = from(request.package);
      new Webhook(request.secret).verify(body, request.headers);
    }
    return "";
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

const requests = JSON.parse(fs.readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(requests.map(verify)));
