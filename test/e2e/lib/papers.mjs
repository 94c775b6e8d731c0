// Makes the files that people send: small, and obviously for tests.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createCipheriv, pbkdf2Sync } from 'node:crypto'
import { rmSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const dir = await mkdtemp(join(tmpdir(), 'chancela-e2e-papers-'))
process.once('exit', () => rmSync(dir, { recursive: true, force: true }))

// pdf writes a page with a line of text, and gives the path.
export async function pdf(name, line = `Documento de ensaio: ${name}`) {
  const text = `BT /F1 14 Tf 60 760 Td (${line.replace(/[^\x20-\x7e]/g, '?').replace(/[()\\]/g, '\\$&')}) Tj ET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${text.length} >>\nstream\n${text}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let out = '%PDF-1.4\n'
  const at = objects.map((object, i) => {
    const start = out.length
    out += `${i + 1} 0 obj\n${object}\nendobj\n`
    return start
  })
  const table = out.length
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${at.map(n => `${String(n).padStart(10, '0')} 00000 n \n`).join('')}`
  out += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`
  return put(name, out)
}

// png draws a grey square.
export async function png(name) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length)
    body.copy(out, 4)
    out.writeUInt32BE(crc(body), body.length + 4)
    return out
  }
  const head = Buffer.from([0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 0])
  const rows = Buffer.alloc(8 * 9, 128)
  for (let y = 0; y < 8; y++) rows[y * 9] = 0
  const sign = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
  return put(name, Buffer.concat([sign, chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]))
}

function crc(bytes) {
  let c = ~0
  for (const byte of bytes) {
    c ^= byte
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  }
  return ~c >>> 0
}

// put writes a file and gives its path.
export async function put(name, content) {
  const file = join(dir, name)
  await writeFile(file, content)
  return file
}

let made = 0 // two journeys are played at a time: what openssl is given has a name of its own

// request has openssl make a key and a request for a certificate: {text, key}.
export async function request() {
  const name = `pedido-${++made}`
  const key = join(dir, `${name}.key`), csr = join(dir, `${name}.csr`)
  await run('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', csr, '-subj', '/'])
  return { text: await readFile(csr, 'utf8'), key }
}

// certificate has openssl read a certificate: its names and its public key, and
// the extensions that are asked for.
export async function certificate(pem, extensions = []) {
  const file = await put(`certificado-${++made}.pem`, pem)
  const more = extensions.length ? ['-ext', extensions.join(',')] : []
  const { stdout } = await run('openssl', ['x509', '-in', file, '-noout', '-subject', '-issuer', '-pubkey', '-nameopt', 'utf8', ...more])
  return stdout
}

// publicKey gives that of a key that request made.
export async function publicKey(key) {
  return (await run('openssl', ['pkey', '-in', key, '-pubout'])).stdout
}

// signedRequest makes a request of a new key, and has openssl sign it with the key of an earlier certificate, as the
// page of its renewal says.
export async function signedRequest(pem, earlierKey) {
  const fresh = await request()
  const csr = await put(`pedido-${++made}.pem`, fresh.text), signer = await put(`anterior-${made}.pem`, pem), out = join(dir, `renovacao-${made}.pem`)
  await run('openssl', ['cms', '-sign', '-binary', '-nodetach', '-in', csr, '-signer', signer, '-inkey', earlierKey, '-outform', 'PEM', '-out', out])
  return { text: await readFile(out, 'utf8'), key: fresh.key }
}

// privateKey has openssl open an encrypted key: {text, public, der, secret},
// secret being the part that nobody may ever see.
export async function privateKey(pem, passphrase) {
  const file = await put(`cifrada-${++made}.pem`, pem)
  const pass = ['-passin', `pass:${passphrase}`]
  const text = (await run('openssl', ['pkey', '-in', file, ...pass])).stdout
  const { stdout: der } = await run('openssl', ['pkey', '-in', file, ...pass, '-outform', 'DER'], { encoding: 'buffer' })
  const shown = (await run('openssl', ['pkey', '-in', file, ...pass, '-text', '-noout'])).stdout
  const secret = Buffer.from(/\n(?:priv|privateExponent):\s*((?:[0-9a-f]{2}:?\s*)+)/.exec(shown)[1].replace(/[^0-9a-f]/g, '').replace(/^00/, ''), 'hex')
  return { text, public: (await run('openssl', ['pkey', '-in', file, ...pass, '-pubout'])).stdout, der, secret }
}

// otherKey has openssl make a key under a passphrase, as somebody else's.
export async function otherKey(passphrase, ec) {
  const kind = ec ? ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['RSA', '-pkeyopt', 'rsa_keygen_bits:3072']
  return (await run('openssl', ['genpkey', '-algorithm', ...kind, '-aes-256-cbc', '-pass', `pass:${passphrase}`])).stdout
}

// readByAll has openssl, NSS and GnuTLS read a PKCS#12: what each says of it, and
// the key that openssl found.
export async function readByAll(p12, passphrase) {
  const file = await put(`certificado-${++made}.p12`, p12)
  const pass = ['-passin', `pass:${passphrase}`]
  const info = await run('openssl', ['pkcs12', '-in', file, '-info', '-noenc', ...pass])
  const { stdout: found } = await run('openssl', ['pkcs12', '-in', file, '-nocerts', '-noenc', ...pass])
  const home = await mkdtemp(join(dir, 'nss-'))
  await run('certutil', ['-N', '-d', `sql:${home}`, '--empty-password'])
  const nss = await run('pk12util', ['-i', file, '-d', `sql:${home}`, '-w', await put(`frase-${made}.txt`, passphrase)])
  const gnutls = await run('certtool', ['--p12-info', '--inder', '--infile', file, '--password', passphrase])
  return {
    openssl: info.stdout + info.stderr, key: found.slice(found.indexOf('-----BEGIN')),
    nss: nss.stdout + nss.stderr, gnutls: gnutls.stdout + gnutls.stderr,
  }
}

// stamp has openssl ask for a time stamp and curl bring the request, as an
// ordinary client does: what openssl reads in the answer, or the status if it is none.
export async function stamp(address, user) {
  const asked = join(dir, `pedido-${++made}.tsq`), given = join(dir, `selo-${made}.tsr`)
  await run('openssl', ['ts', '-query', '-digest', 'ab'.repeat(32), '-sha256', '-cert', '-out', asked])
  const { stdout: code } = await run('curl', ['-sS', '--noproxy', '*', '-u', user, '-H', 'Content-Type: application/timestamp-query', '--data-binary', `@${asked}`, '-o', given, '-w', '%{http_code}', address])
  return code === '200' ? (await run('openssl', ['ts', '-reply', '-in', given, '-text'])).stdout : code
}

// noKey gives a key's encrypted file with something else in it that the same
// passphrase opens: what one in 256 wrong passphrases finds.
export function noKey(pem, passphrase) {
  const der = Buffer.from(pem.toString().replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const after = (hex, n) => {
    const at = der.indexOf(Buffer.from(hex, 'hex')) + hex.length / 2
    return der.subarray(at, at + n)
  }
  const pbkdf2 = after('06092a864886f70d01050c', 25) // SEQUENCE { OCTET STRING of 16, INTEGER of 3, … }
  const iv = after('060960864801650304012a0410', 16)
  const from = der.indexOf(iv) + 16, long = der[from + 1] & 0x80 ? der[from + 1] & 0x7f : 0
  const sealed = der.subarray(from + 2 + long)
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(passphrase.normalize('NFC'), pbkdf2.subarray(4, 20), pbkdf2.readUIntBE(22, 3), 32, 'sha256'), iv)
  const other = Buffer.concat([der.subarray(0, der.length - sealed.length), cipher.update(Buffer.alloc(sealed.length - 1, 0xa5)), cipher.final()])
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${other.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END ENCRYPTED PRIVATE KEY-----\n`
}
