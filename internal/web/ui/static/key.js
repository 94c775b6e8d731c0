// Makes keys in the browser, and joins a key with its certificate to a PKCS#12. Without this script the panels stay
// hidden, and each page says how to do it with openssl.
//
// Nothing here asks the network for anything. The private key is never seen by this script as bytes: WebCrypto hands it
// out encrypted (wrapKey) and takes it back so (unwrapKey). What is typed is in fields without a name, which no form sends.
const subtle = crypto.subtle;
const keyRounds = 600_000; // PBKDF2-HMAC-SHA-256 of the key's file: OWASP's floor
const bagRounds = 250_000; // within a PKCS#12, whose readers bound the work that a file may ask of them
const fewest = 15; // characters of a passphrase

// --- DER: what is written ---

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

const join = (...parts) => {
  const whole = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const tlv = (tag, ...parts) => {
  const body = join(...parts);
  const size = [];
  for (let n = body.length; n > 0; n >>>= 8) size.unshift(n & 0xff);
  const head = body.length < 0x80 ? [body.length] : [0x80 | size.length, ...size];
  return join(Uint8Array.of(tag, ...head), body);
};

const sequence = (...parts) => tlv(0x30, ...parts);
const octets = (...parts) => tlv(0x04, ...parts);
const within = (...parts) => tlv(0xa0, ...parts); // [0] EXPLICIT
const nothing = Uint8Array.of(0x05, 0x00);

// set sorts what it holds, as DER asks (X.690 §11.6).
const set = (...parts) => {
  const hex = (part) => Array.from(part, (one) => one.toString(16).padStart(2, "0")).join("");
  return tlv(0x31, ...parts.sort((a, b) => (hex(a) < hex(b) ? -1 : 1)));
};

// whole is an INTEGER that is not negative, from big-endian bytes.
const whole = (bytes) => {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const short = bytes.slice(from);
  return tlv(0x02, short[0] & 0x80 ? Uint8Array.of(0) : Uint8Array.of(), short);
};

const number = (n) => whole(Uint8Array.of(n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff));

const oid = {
  ecdsaSHA256: "06082a8648ce3d040302", // RFC 5758 §3.2
  rsaSHA256: "06092a864886f70d01010b", // RFC 4055 §5
  sha256: "0609608648016503040201",
  pbes2: "06092a864886f70d01050d", // RFC 8018 appendix A.4
  pbkdf2: "06092a864886f70d01050c",
  aes128: "0609608648016503040102",
  aes256: "060960864801650304012a",
  data: "06092a864886f70d010701",
  encrypted: "06092a864886f70d010706",
  keyBag: "060b2a864886f70d010c0a0102", // RFC 7292 appendix D: pkcs8ShroudedKeyBag
  certBag: "060b2a864886f70d010c0a0103",
  x509: "060a2a864886f70d01091601",
  friendlyName: "06092a864886f70d010914",
  localKeyID: "06092a864886f70d010915",
  ecKey: "06072a8648ce3d0201",
  rsaKey: "06092a864886f70d010101",
};

const hmacs = { "06082a864886f70d0207": "SHA-1", "06082a864886f70d0209": "SHA-256", "06082a864886f70d020a": "SHA-384", "06082a864886f70d020b": "SHA-512" };
const curves = { "06082a8648ce3d030107": "P-256", "06052b81040022": "P-384", "06052b81040023": "P-521" };

// --- DER: what is read ---

// Wrong is something to be told in the reader's words, by the name of the words.
class Wrong extends Error {}

// read takes one element from the beginning; what is cut short or long is refused.
const read = (der) => {
  if (der.length < 2) throw new Wrong("damaged");
  let size = der[1];
  let at = 2;
  if (size & 0x80) {
    const many = size & 0x7f;
    if (many < 1 || many > 3 || der.length < 2 + many) throw new Wrong("damaged");
    size = 0;
    for (; at < 2 + many; at++) size = size * 256 + der[at];
  }
  if (at + size > der.length) throw new Wrong("damaged");
  return { tag: der[0], body: der.subarray(at, at + size), all: der.subarray(0, at + size), rest: der.subarray(at + size) };
};

const parts = (der, tag = 0x30) => {
  const one = read(der);
  if (one.tag !== tag) throw new Wrong("damaged");
  const found = [];
  for (let rest = one.body; rest.length > 0; ) {
    const next = read(rest);
    found.push(next);
    rest = next.rest;
  }
  return found;
};

const is = (part, hex) => part !== undefined && part.all.length === hex.length / 2 && bytesOf(hex).every((one, i) => one === part.all[i]);
const named = (part, table) => Object.entries(table).find(([hex]) => is(part, hex))?.[1];

const unsigned = (part) => {
  if (part?.tag !== 0x02 || part.body.length < 1 || part.body.length > 4 || part.body[0] & 0x80) throw new Wrong("damaged");
  return part.body.reduce((n, one) => n * 256 + one, 0);
};

// --- Text around it ---

const base64 = (bytes) => {
  let text = "";
  for (const one of bytes) text += String.fromCharCode(one);
  return btoa(text);
};

const pem = (kind, der) => `-----BEGIN ${kind}-----\n${base64(der).match(/.{1,64}/g).join("\n")}\n-----END ${kind}-----\n`;

// unpem reads the blocks of a kind; each is DER.
const unpem = (kind, text) => {
  const found = [];
  for (const [, body] of text.matchAll(new RegExp(`-----BEGIN ${kind}-----([A-Za-z0-9+/=\\s]*)-----END ${kind}-----`, "g"))) {
    try {
      found.push(Uint8Array.from(atob(body.replace(/\s/g, "")), (one) => one.charCodeAt(0)));
    } catch {
      throw new Wrong("damaged");
    }
  }
  return found;
};

// --- Encryption under a passphrase: PBES2 with PBKDF2 and AES-CBC (RFC 8018) ---

const random = (n) => crypto.getRandomValues(new Uint8Array(n));

// keyFrom stretches a passphrase; of what it is made nothing is kept.
const keyFrom = async (passphrase, { salt, rounds, hash, bits }, uses) => {
  const secret = new TextEncoder().encode(passphrase.normalize("NFC"));
  try {
    const base = await subtle.importKey("raw", secret, "PBKDF2", false, ["deriveKey"]);
    return await subtle.deriveKey({ name: "PBKDF2", salt, iterations: rounds, hash }, base, { name: "AES-CBC", length: bits }, false, uses);
  } finally {
    secret.fill(0);
  }
};

const newSeal = (rounds) => ({ salt: random(16), iv: random(16), rounds, hash: "SHA-256", bits: 256 });

const sealAlgorithm = ({ salt, iv, rounds }) =>
  sequence(
    bytesOf(oid.pbes2),
    sequence(
      sequence(bytesOf(oid.pbkdf2), sequence(octets(salt), number(rounds), sequence(bytesOf("06082a864886f70d0209"), nothing))),
      sequence(bytesOf(oid.aes256), octets(iv)),
    ),
  );

// wrapped is a private key as an EncryptedPrivateKeyInfo (RFC 5958 §3).
const wrapped = async (key, passphrase, rounds) => {
  const seal = newSeal(rounds);
  const by = await keyFrom(passphrase, seal, ["wrapKey"]);
  const secret = await subtle.wrapKey("pkcs8", key, by, { name: "AES-CBC", iv: seal.iv });
  return sequence(sealAlgorithm(seal), octets(new Uint8Array(secret)));
};

// readSeal reads what an EncryptedPrivateKeyInfo says of its encryption; other ways than ours are read as openssl writes them.
const readSeal = (der) => {
  const [algorithm, secret] = parts(der);
  const [scheme, params] = parts(algorithm.all);
  if (secret?.tag !== 0x04) throw new Wrong("damaged");
  if (!is(scheme, oid.pbes2)) throw new Wrong("otherway");
  const [derivation, cipher] = parts(params.all);
  const [kdf, kdfParams] = parts(derivation.all);
  const [method, iv] = parts(cipher.all);
  const bits = is(method, oid.aes256) ? 256 : is(method, oid.aes128) ? 128 : 0;
  if (!is(kdf, oid.pbkdf2) || bits === 0) throw new Wrong("otherway");
  const [salt, rounds, ...more] = parts(kdfParams.all);
  const prf = more.find((one) => one.tag === 0x30);
  const hash = prf ? named(parts(prf.all)[0], hmacs) : "SHA-1";
  const seal = { salt: salt.body, rounds: unsigned(rounds), hash, bits, iv: iv.body, secret: secret.body };
  if (!hash) throw new Wrong("otherway");
  if (seal.rounds < 1 || seal.rounds > 10_000_000 || iv.body.length !== 16) throw new Wrong("damaged");
  return seal;
};

// --- A new key, and the request for its certificate ---

const kinds = {
  "ec-p256": { make: { name: "ECDSA", namedCurve: "P-256" }, sign: { name: "ECDSA", hash: "SHA-256" }, algorithm: sequence(bytesOf(oid.ecdsaSHA256)) },
  "rsa-3072": {
    make: { name: "RSASSA-PKCS1-v1_5", modulusLength: 3072, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" },
    sign: { name: "RSASSA-PKCS1-v1_5" },
    algorithm: sequence(bytesOf(oid.rsaSHA256), nothing),
  },
};

// request is a PKCS#10 (RFC 2986) without names: those of the certificate come from the case.
const request = async (kind, pair) => {
  const info = sequence(number(0), sequence(), new Uint8Array(await subtle.exportKey("spki", pair.publicKey)), tlv(0xa0));
  let signature = new Uint8Array(await subtle.sign(kind.sign, pair.privateKey, info));
  if (kind.sign.name === "ECDSA") {
    const half = signature.length / 2; // WebCrypto gives r and s one behind the other: IEEE P1363
    signature = sequence(whole(signature.slice(0, half)), whole(signature.slice(half)));
  }
  return sequence(info, kind.algorithm, tlv(0x03, Uint8Array.of(0), signature));
};

const makeKey = async (name, passphrase) => {
  const kind = kinds[name];
  const pair = await subtle.generateKey(kind.make, true, ["sign", "verify"]);
  const spki = new Uint8Array(await subtle.exportKey("spki", pair.publicKey));
  const print = new Uint8Array(await subtle.digest("SHA-256", spki)).slice(0, 4);
  return {
    name: `chave-${Array.from(print, (one) => one.toString(16).padStart(2, "0")).join("")}.pem`,
    file: pem("ENCRYPTED PRIVATE KEY", await wrapped(pair.privateKey, passphrase, keyRounds)),
    request: pem("CERTIFICATE REQUEST", await request(kind, pair)),
  };
};

// --- PKCS#12 (RFC 7292) ---

const rounds256 = Uint32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);

// turn is SHA-256's compression of one block (FIPS 180-4 §6.2.2). WebCrypto's digest is asked once for each hash, which
// takes minutes for a quarter of a million of them.
const turn = (state, block, w) => {
  for (let i = 0; i < 16; i++) w[i] = (block[4 * i] << 24) | (block[4 * i + 1] << 16) | (block[4 * i + 2] << 8) | block[4 * i + 3];
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15], y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + s1 + ((e & f) ^ (~e & g)) + rounds256[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  for (const [i, one] of [a, b, c, d, e, f, g, h].entries()) state[i] += one;
};

const first256 = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

// macKey is the key of a PKCS#12's MAC (RFC 7292 appendix B.2, identifier 3): one output of SHA-256 is all it needs.
const macKey = async (passphrase, salt, rounds) => {
  const text = `${passphrase.normalize("NFC")}\0`;
  const secret = Uint8Array.from({ length: 2 * text.length }, (_, i) => (i % 2 === 0 ? text.charCodeAt(i >> 1) >> 8 : text.charCodeAt(i >> 1) & 0xff));
  const filled = (bytes) => Uint8Array.from({ length: 64 * Math.ceil(bytes.length / 64) }, (_, i) => bytes[i % bytes.length]);
  const start = join(new Uint8Array(64).fill(3), filled(salt), filled(secret));
  const hash = new Uint8Array(await subtle.digest("SHA-256", start));
  const block = new Uint8Array(64); // 32 octets, then the padding of a message of 256 bits
  block[32] = 0x80;
  block[62] = 1;
  const state = new Uint32Array(8);
  const w = new Uint32Array(64);
  const view = new DataView(hash.buffer);
  for (let i = 1; i < rounds; i++) {
    block.set(hash);
    state.set(first256);
    turn(state, block, w);
    for (let n = 0; n < 8; n++) view.setUint32(4 * n, state[n]);
  }
  for (const one of [secret, start, block]) one.fill(0);
  return hash;
};

const attributes = (name, id) => {
  const wide = Uint8Array.from({ length: 2 * name.length }, (_, i) => (i % 2 === 0 ? name.charCodeAt(i >> 1) >> 8 : name.charCodeAt(i >> 1) & 0xff));
  return set(sequence(bytesOf(oid.friendlyName), set(tlv(0x1e, wide))), sequence(bytesOf(oid.localKeyID), set(octets(id))));
};

const certBag = (der, ...more) => sequence(bytesOf(oid.certBag), within(sequence(bytesOf(oid.x509), within(octets(der)))), ...more);

const pkcs12 = async (key, chain, name, passphrase) => {
  const id = new Uint8Array(await subtle.digest("SHA-256", chain[0])).slice(0, 20);
  const seal = newSeal(bagRounds);
  const bags = sequence(certBag(chain[0], attributes(name, id)), ...chain.slice(1).map((one) => certBag(one)));
  const sealed = await subtle.encrypt({ name: "AES-CBC", iv: seal.iv }, await keyFrom(passphrase, seal, ["encrypt"]), bags);
  const certificates = sequence(number(0), sequence(bytesOf(oid.data), sealAlgorithm(seal), tlv(0x80, new Uint8Array(sealed))));
  const keys = sequence(sequence(bytesOf(oid.keyBag), within(await wrapped(key, passphrase, bagRounds)), attributes(name, id)));
  const safe = sequence(sequence(bytesOf(oid.encrypted), within(certificates)), sequence(bytesOf(oid.data), within(octets(keys))));
  const salt = random(16);
  const secret = await macKey(passphrase, salt, bagRounds);
  const by = await subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  secret.fill(0);
  const mac = new Uint8Array(await subtle.sign("HMAC", by, safe));
  return sequence(
    number(3),
    sequence(bytesOf(oid.data), within(octets(safe))),
    sequence(sequence(sequence(bytesOf(oid.sha256), nothing), octets(mac)), octets(salt), number(bagRounds)),
  );
};

// --- A key and its certificate ---

// publicKey finds the SubjectPublicKeyInfo of a certificate, and how its private key is read back.
const publicKey = (certificate) => {
  const fields = parts(parts(certificate)[0].all);
  const info = fields[fields[0].tag === 0xa0 ? 6 : 5];
  const [algorithm, curve] = parts(parts(info.all)[0].all);
  if (is(algorithm, oid.rsaKey)) return { spki: info.all, as: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, sign: { name: "RSASSA-PKCS1-v1_5" } };
  const namedCurve = is(algorithm, oid.ecKey) ? named(curve, curves) : undefined;
  if (!namedCurve) throw new Wrong("damaged");
  return { spki: info.all, as: { name: "ECDSA", namedCurve }, sign: { name: "ECDSA", hash: "SHA-256" } };
};

// imported takes a PKCS#8. A key of another kind than the certificate's cannot be read at all.
const imported = async (plain, as) => {
  try {
    return await subtle.importKey("pkcs8", plain, as, true, ["sign"]);
  } catch {
    throw new Wrong("another");
  } finally {
    plain.fill(0);
  }
};

// decrypted undoes the encryption. One in 256 wrong passphrases leaves bytes that end as padding does (RFC 8018 §6.1.1):
// that they begin as a PKCS#8 tells it from the right one.
const decrypted = async (seal, passphrase) => {
  const by = await keyFrom(passphrase, seal, ["decrypt"]);
  let plain = Uint8Array.of();
  try {
    plain = new Uint8Array(await subtle.decrypt({ name: "AES-CBC", iv: seal.iv }, by, seal.secret));
    const [version, algorithm] = parts(plain);
    if (version?.tag === 0x02 && algorithm?.tag === 0x30) return plain;
  } catch {}
  plain.fill(0);
  throw new Wrong("passphrase");
};

// opened reads a key's file.
const opened = async (text, passphrase, as) => {
  const [der] = unpem("ENCRYPTED PRIVATE KEY", text);
  if (der) return imported(await decrypted(readSeal(der), passphrase), as);
  const [plain] = unpem("PRIVATE KEY", text);
  if (!plain) throw new Wrong(text.includes("PRIVATE KEY") ? "otherway" : "damaged");
  return imported(plain, as);
};

// together joins a key's file with its certificate; the key signs something, and the certificate's key has to verify it.
const together = async (text, passphrase, chain, name) => {
  const { spki, as, sign } = publicKey(chain[0]);
  const key = await opened(text, passphrase, as);
  const said = random(32);
  const verifier = await subtle.importKey("spki", spki, as, false, ["verify"]);
  if (!(await subtle.verify(sign, verifier, await subtle.sign(sign, key, said), said))) throw new Wrong("another");
  return pkcs12(key, chain, name, passphrase);
};

// --- The pages ---

const panel = (box) => {
  const status = box.querySelector("[data-key-status]");
  const say = (name) => {
    status.textContent = box.dataset[name] ?? "";
  };
  const field = (name) => box.querySelector(`[data-key-${name}]`);
  // offer puts a file behind the link: nothing of it but what is encrypted.
  const offer = (link, name, content, type) => {
    if (link.href) URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.hidden = false;
  };
  // busily keeps from pressing twice, and says what went wrong in the reader's words.
  const busily = async (button, deed) => {
    button.disabled = true;
    say("busy");
    try {
      await deed();
    } catch (err) {
      say(err instanceof Wrong ? err.message : "failed");
      if (!(err instanceof Wrong)) console.warn(err.name); // the name alone: no word of a key or a passphrase
    } finally {
      button.disabled = false;
    }
  };
  // In a form, Enter in a field of the panel is for the panel.
  for (const input of box.querySelectorAll("input")) {
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      field("go").click();
    });
  }
  box.hidden = false;
  return { say, field, offer, busily };
};

const forget = (...inputs) => {
  for (const input of inputs) input.value = "";
};

for (const box of document.querySelectorAll("[data-make-key]")) {
  const { say, field, offer, busily } = panel(box);
  const target = document.getElementById(box.dataset.makeKey);
  let made = "";
  field("go").addEventListener("click", () =>
    busily(field("go"), async () => {
      const passphrase = field("passphrase").value;
      if ([...passphrase].length < fewest) throw new Wrong("short");
      if (passphrase !== field("repeat").value) throw new Wrong("differs");
      const key = await makeKey(field("kind").value, passphrase);
      made = key.request;
      offer(field("file"), key.name, key.file, "application/x-pem-file");
      forget(field("passphrase"), field("repeat"));
      say("made");
      field("file").focus();
    }),
  );
  // The request goes into the form only once the key's file was asked for: a certificate for a lost key is of no use.
  field("file").addEventListener("click", () => {
    target.value = made;
    target.dispatchEvent(new Event("input", { bubbles: true }));
    say("saved");
  });
}

for (const box of document.querySelectorAll("[data-join-key]")) {
  const { say, field, offer, busily } = panel(box);
  field("go").addEventListener("click", () =>
    busily(field("go"), async () => {
      const [file] = field("of").files;
      if (!file) throw new Wrong("nofile");
      if (file.size > 65_536) throw new Wrong("damaged");
      const passphrase = field("passphrase").value;
      if ([...passphrase].length < fewest) throw new Wrong("short");
      const p12 = await together(await file.text(), passphrase, unpem("CERTIFICATE", box.dataset.joinKey), box.dataset.name);
      offer(field("file"), box.dataset.file, p12, "application/x-pkcs12");
      forget(field("passphrase"), field("of"));
      say("made");
      field("file").focus();
    }),
  );
}
