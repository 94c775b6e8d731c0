// Shows that the harness itself works, and above all that it can fail: on a tiny
// server of its own, with a page that is good and pages that are each bad in one
// way, in every mode.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch, modes } from './lib/browsers.mjs'
import { parse as parseMail } from './lib/mail.mjs'
import { find, parse, unvisited } from './lib/routes.mjs'
import { Tally } from './lib/tally.mjs'
import { Visitor } from './lib/visitor.mjs'

const frame = (lang, body, head = '') => `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ensaio</title><link rel="stylesheet" href="/ensaio.css">${head}</head><body><main>${body}</main></body></html>`

const css = `body{font:16px sans-serif;color:#111;background:#fff}input,select,textarea,button{font:inherit;max-width:100%;min-height:28px}
.pale{color:#bbb}.wide{width:900px}`

// policy is as strict as the program's own, since it must not hinder the harness.
const policy = "default-src 'none'; style-src 'self' http://127.0.0.1:*; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const form = lang => frame(lang, `<h1>Ensaio</h1>
<form method="post" action="/form" enctype="multipart/form-data">
<p><label for="n">Nome do responsável</label><br><input id="n" name="n" value="antes"></p>
<p><label for="d">Data</label><br><input id="d" name="d" type="date"></p>
<p><label for="s">Função</label><br><select id="s" name="s"><option value="">Escolha</option><option value="p">Presidente</option></select></p>
<fieldset><legend>Envio</legend><label><input type="radio" name="r" value="sms"> SMS</label> <label><input type="radio" name="r" value="mail"> Correio</label></fieldset>
<p><label for="t">Motivo</label><br><textarea id="t" name="t"></textarea></p>
<p><label for="f">Ficheiro</label><br><input id="f" name="f" type="file"></p>
<p><button>GRAVAR</button> <a href="/other">Outra página</a></p></form>`)

// bad pages, and what must be said of each.
const bad = {
  '/bad-label': [/label: Form elements must have labels/, lang => frame(lang, '<h1>Mau</h1><input name="x">')],
  // The same elements in the same places as on a good page that was judged before.
  '/bad-lost-label': [/label: Form elements must have labels/, lang => form(lang).replace('<label for="n">', '<label for="nada">')],
  '/bad-contrast': [/color-contrast/, lang => frame(lang, '<h1>Mau</h1><p class="pale">Lê-se mal</p>')],
  '/bad-headings': [/2 visible h1/, lang => frame(lang, '<h1>Mau</h1><h1>Outro</h1>')],
  '/bad-lang': [/lang is "fr"/, () => frame('fr', '<h1>Mauvais</h1>')],
  '/bad-wide': [/at 320 px: wider than the window: <p class="wide">/, lang => frame(lang, '<h1>Mau</h1><p class="wide">Largo</p>')],
  '/bad-aria': [/ARIA state without a value/, lang => frame(lang, '<h1>Mau</h1><label for="x">Nome</label><input id="x" aria-invalid="">')],
  '/bad-script': [/script: partiu/, lang => frame(lang, '<h1>Mau</h1>', '<script src="/bad.js"></script>')],
  '/bad-inline': [/Content Security Policy/, lang => frame(lang, '<h1>Mau</h1>', '<script>document.title = "x"</script>')],
  '/bad-resource': [/404 for \/missing.css/, lang => frame(lang, '<h1>Mau</h1>', '<link rel="stylesheet" href="/missing.css">')],
  '/bad-stranger': [/asked somebody else: http:\/\/127/, (lang, port) => frame(lang, '<h1>Mau</h1>', `<link rel="stylesheet" href="http://127.0.0.1:${port}/other.css">`)],
}

function handle(req, res) {
  const lang = /^en/.test(req.headers['accept-language'] ?? '') ? 'en' : 'pt'
  const path = new URL(req.url, 'http://localhost').pathname
  const kind = path.endsWith('.css') ? 'text/css' : path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8'
  const send = (status, text) => { res.writeHead(status, { 'Content-Type': kind, 'Content-Security-Policy': policy }); res.end(text) }
  let body = Buffer.alloc(0)
  req.on('data', chunk => { body = Buffer.concat([body, chunk]) })
  req.on('end', () => {
    if (req.method === 'POST') {
      const got = body.toString('utf8')
      const value = name => new RegExp(`name="${name}"(?:; filename="([^"]*)")?[^]*?\r\n\r\n([^]*?)\r\n--`).exec(got)
      const all = ['n', 'd', 's', 'r', 't'].map(name => `${name}=${value(name)?.[2] ?? ''}`).concat(`f=${value('f')?.[1] ?? ''}`)
      return send(200, frame(lang, `<h1>Recebido</h1><p>${all.join(' ')}</p>`))
    }
    if (path === '/ensaio.css') return send(200, css)
    if (path === '/bad.js') return send(200, 'throw new Error("partiu")')
    if (path === '/') return send(200, form(lang))
    if (path === '/other') return send(200, frame(lang, `<h1>Outra</h1><p>${lang === 'en' ? 'English' : 'Português'}</p><noscript><p>sem guiões</p></noscript>`))
    if (bad[path]) return send(200, bad[path][1](lang, res.socket.localPort))
    send(404, frame(lang, '<h1>Não existe</h1>'))
  })
}

export async function selfTest(tally, shots) {
  await plainParts(tally)
  const server = createServer(handle).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const origin = `http://localhost:${server.address().port}`
  const dir = await mkdtemp(join(tmpdir(), 'chancela-e2e-self-'))
  await writeFile(join(dir, 'acta.pdf'), '%PDF-1.4 ensaio\n')
  try {
    for (const mode of modes) {
      await tally.try(`self-test ${mode.name}: the harness`, () => inMode(tally, mode, origin, dir, shots))
    }
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(dir, { recursive: true, force: true })
  }
}

async function inMode(tally, mode, origin, dir, shots) {
  const browser = await launch(mode)
  const said = []
  const quiet = new Tally(line => said.push(line))
  const visits = []
  const label = `self-test ${mode.name}`
  const context = await browser.context(mode)
  try {
    const who = new Visitor(await context.page(), mode, { origin, visits, judged: new Set(), known: new Set(), tally: quiet, label, shots })
    await tally.try(`${label}: fills a form by its labels and sends it`, async () => {
      await who.open('/')
      await who.fill({ 'Nome do responsável': 'Zeferino Ensaio ção', Data: '2026-02-03', Motivo: "linha d'água" })
      await who.choose('Função', { pt: 'Presidente', en: 'Presidente' })
      await who.tick('Correio', 'Envio')
      await who.attach('Ficheiro', join(dir, 'acta.pdf'))
      await who.press('GRAVAR')
      await who.sees("n=Zeferino Ensaio ção d=2026-02-03 s=p r=mail t=linha d'água f=acta.pdf")
      assert.equal(who.status, 200)
      assert.equal(await who.heading(), 'Recebido')
    })
    await tally.try(`${label}: reads in the language and with the script of the mode`, async () => {
      await who.open('/')
      await who.follow(/^Outra/)
      await who.sees({ pt: 'Português', en: 'English' })
      assert.equal(who.at(), '/other')
      if (mode.js) await who.misses('sem guiões')
      else await who.sees('sem guiões')
    })
    await tally.try(`${label}: a name that is not there is told with what is there`, async () => {
      await who.open('/')
      who.patience = 0.3
      await assert.rejects(who.fill('Nome do gato', 'x'), /there are: .*Nome do responsável/)
      await assert.rejects(who.sees('não está aqui'), /it says: /)
    })
    await tally.try(`${label}: a page that is missing is 404, and what was opened is known`, async () => {
      await who.open('/nada')
      assert.equal(who.status, 404)
      assert.ok(visits.some(v => v.path === '/nada'))
      assert.ok(visits.some(v => v.method === 'POST' && v.path === '/form'))
    })
    await tally.try(`${label}: takes a picture`, () => who.screenshot('self-test'))
    await tally.try(`${label}: the good pages have no problem`, () => assert.deepEqual(quiet.broken, []))
    if (mode.judge) for (const [path, [what]] of Object.entries(bad)) await mustFail(tally, label, who, said, path, what)
  } finally {
    await context.close()
    await browser.close()
  }
}

async function mustFail(tally, label, who, said, path, what) {
  await tally.try(`${label}: ${path} is found bad`, async () => {
    said.length = 0
    await who.open(path)
    assert.match(said.join('\n'), what)
  })
}

async function plainParts(tally) {
  await tally.try('self-test: routes are matched as the router does', () => {
    const routes = parse('GET /{$}\nGET /{portal}/\nGET /{portal}/casos/{id}\nGET /pki/{path...}\nGET /pki/ocsp machine\nPOST /x\nGET /{portal}/casos/novo\n')
    const answers = { '/': '/{$}', '/ecce/': '/{portal}/', '/ecce/casos/7': '/{portal}/casos/{id}', '/ecce/casos/novo': '/{portal}/casos/novo', '/pki/ocsp': '/pki/ocsp', '/pki/a/b': '/pki/{path...}', '/ecce/x/y': '/{portal}/' }
    for (const [path, pattern] of Object.entries(answers)) assert.equal(find(routes, 'GET', path)?.pattern, pattern, path)
    assert.equal(find(routes, 'POST', '/y'), undefined)
    assert.deepEqual(unvisited(routes, [{ method: 'GET', path: '/' }, { method: 'GET', path: '/ecce/casos/7' }, { method: 'POST', path: '/x' }]),
      ['/{portal}/', '/pki/{path...}', '/{portal}/casos/novo'])
  })
  await tally.try('self-test: mails are read whatever their encoding', () => {
    const mail = parseMail(Buffer.from(['From: Balcão <a@exemplo.test>', 'To: b@exemplo.test', 'Subject: =?utf-8?q?Confirma=C3=A7=C3=A3o?=', ' =?utf-8?b?IGRvIHBlZGlkbw==?=',
      'Content-Type: multipart/alternative; boundary="x"', '', '--x', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '',
      'Confirme em http://localhost:1/a?c=3D1=\r\n23.', '--x', 'Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: base64', '', Buffer.from('<p>Olá</p>').toString('base64'), '--x--', ''].join('\r\n')))
    assert.equal(mail.subject, 'Confirmação do pedido')
    assert.deepEqual(mail.links, ['http://localhost:1/a?c=123'])
    assert.equal(mail.html, '<p>Olá</p>')
  })
  await tally.try('self-test: the tally tells failure from success', async () => {
    const inner = new Tally(() => {})
    await inner.try('good', () => {})
    await inner.try('bad', () => { throw new Error('x') })
    inner.judge('clean', [])
    inner.judge('dirty', ['a'])
    assert.deepEqual([inner.passed, inner.failed, inner.broken], [2, 2, ['bad', 'dirty']])
  })
}
