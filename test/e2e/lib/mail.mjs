// Reads the mails and messages that the evaluation instance keeps in its outbox.

import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

// mails gives every mail, oldest first.
export async function mails(data) {
  const dir = join(data, 'outbox', 'mail')
  const names = await list(dir, '.eml')
  return Promise.all(names.map(async name => ({ file: join(dir, name), ...parse(await readFile(join(dir, name))) })))
}

// messages gives every SMS, oldest first: {to, text, at}.
export async function messages(data) {
  const dir = join(data, 'outbox', 'sms')
  const names = await list(dir, '.json')
  return Promise.all(names.map(async name => JSON.parse(await readFile(join(dir, name), 'utf8'))))
}

async function list(dir, ending) {
  try {
    return (await readdir(dir)).filter(name => name.endsWith(ending)).sort()
  } catch (err) {
    if (err.code === 'ENOENT') return []
    throw err
  }
}

// parse gives {headers, from, to, subject, text, html, links} of one mail.
export function parse(bytes) {
  const part = mime(bytes.toString('latin1'))
  const mail = { headers: part.headers, text: '', html: '' }
  for (const name of ['from', 'to', 'subject']) mail[name] = words(part.headers[name] ?? '')
  gather(part, mail)
  mail.links = [...new Set((mail.text || mail.html).match(/https?:\/\/[^\s<>"']+/g) ?? [])].map(link => link.replace(/[.,;)]+$/, ''))
  return mail
}

function mime(raw) {
  const cut = raw.search(/\r?\n\r?\n/)
  const head = (cut < 0 ? raw : raw.slice(0, cut)).replace(/\r?\n[ \t]+/g, ' ')
  const headers = {}
  for (const line of head.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { headers, body: cut < 0 ? '' : raw.slice(cut).replace(/^\r?\n\r?\n/, '') }
}

function gather(part, mail) {
  const type = part.headers['content-type'] ?? 'text/plain'
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1]
  if (boundary) {
    const pieces = part.body.split(new RegExp(`\\r?\\n?--${boundary.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?:--)?\\r?\\n?`))
    for (const piece of pieces.slice(1)) if (piece.trim()) gather(mime(piece), mail)
    return
  }
  const text = decode(part.body, part.headers['content-transfer-encoding'], /charset="?([\w-]+)/i.exec(type)?.[1])
  if (/^text\/plain/i.test(type)) mail.text += text
  if (/^text\/html/i.test(type)) mail.html += text
}

function decode(body, encoding = '7bit', charset = 'utf-8') {
  let bytes = Buffer.from(body, 'latin1')
  if (/base64/i.test(encoding)) bytes = Buffer.from(body, 'base64')
  if (/quoted-printable/i.test(encoding)) bytes = quoted(body.replace(/=\r?\n/g, ''))
  return new TextDecoder(charset).decode(bytes)
}

function quoted(text) {
  return Buffer.from(text.replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1')
}

// words reads the encoded words of a header (RFC 2047).
function words(text) {
  const joined = text.replace(/\?=\s+=\?/g, '?==?')
  return joined.replace(/=\?([\w-]+)\?([bq])\?([^?]*)\?=/gi, (_, charset, how, body) => {
    const bytes = how.toLowerCase() === 'b' ? Buffer.from(body, 'base64') : quoted(body.replace(/_/g, ' '))
    return new TextDecoder(charset).decode(bytes)
  })
}
