// Time stamps for a system of the body, by a name and a secret that curl gives.
//
// A key made in the browser: at the order the page makes it, has its encrypted
// file saved and fills in the request; when the certificate is there, the page
// joins the two to a PKCS#12, which openssl, NSS and GnuTLS read. What the
// browser sends is recorded: neither key nor passphrase is in it. Chromium
// orders a signature with an EC key, Firefox an encryption with an RSA key.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answer, define, file, goOn, linkIn, officer, problems, prove, signIn } from '../lib/acts.mjs'
import { certificate, noKey, otherKey, pdf, privateKey, put, readByAll, stamp } from '../lib/papers.mjs'
import { portal, say } from '../lib/words.mjs'

export const modes = ['chromium-pt', 'firefox-pt']

const ecce = portal('ecce')
const { ana: applicant, teresa, rui } = ecce.people

// Words that stand nowhere else, with letters that are not ASCII: programs differ on those.
const passphrase = 'Canário de ensaio, coração-açafrão 91847'

export default async function ({ person, step, server, mode }) {
  const ana = await person('ana')
  const first = await person('teresa')
  const second = await person('rui')
  const chromium = mode.browser === 'chromium'
  const order = chromium ? ecce.procedures.assinatura : ecce.procedures.confidencialidade
  const numberOn = async who => /ecce\/\d{4}\/\d+/i.exec(await who.text())[0]
  const sent = record(ana.page.raw)

  await step('Ana gets access', async () => {
    await ana.open('/ecce/novo/acesso')
    const asked = ecce.answers('acesso')
    await file(ana, ecce.procedures.acesso, { ...asked, finalidade: [...asked.finalidade, 'selos_temporais'] }, {
      fich_superior: await pdf('superior-chaves.pdf'), fich_tecnicos_web: await pdf('lista-chaves.pdf'), fich_tecnicos_tsa: await pdf('lista-selos.pdf'),
    })
    const number = await numberOn(ana)
    await prove(ana, server, applicant.email)
    await officer(first, server, ecce, 0, teresa.password)
    await officer(second, server, ecce, 1, rui.password)
    await take(first, number)
    await approve(first)
    await define(ana, await linkIn(server, applicant.email, 'definir'), applicant.password)
    await signIn(ana, server, ecce, applicant.email, applicant.password)
  })

  await step('Ana gives a system of the body access to time stamps, and ends it', async () => {
    await ana.follow(say('web.stamps.link'))
    await ana.press(say('web.stamps.make'))
    assert.equal(ana.status, 422)
    await ana.fill(say('web.stamps.system'), 'Gestão documental de ensaio')
    await ana.press(say('web.stamps.make'))
    await ana.sees(say('web.stamps.made'))
    const of = label => ana.page.evaluate(label => [...document.querySelectorAll('dt')].find(dt => dt.textContent.trim() === label).nextElementSibling.textContent.trim(), say(label).pt)
    const user = await of('web.stamps.user'), secret = await of('web.stamps.secret')
    const address = new URL('/pki/tsa', ana.page.url()).href
    assert.match(await stamp(address, `${user}:${secret}`), /Status: Granted/)
    assert.equal(await stamp(address, `${user}:outro`), '401')
    await ana.open('/ecce/selos-temporais')
    await ana.misses(secret)
    await ana.press(say('web.stamps.end'))
    await ana.sees(say('web.stamps.ended'))
    assert.equal(await stamp(address, `${user}:${secret}`), '401')
  })

  let key
  await step('the page makes a key, and fills in the request once the key’s file was saved', async () => {
    await ana.open(`/ecce/novo/${order.key}`)
    await ana.press(say('web.start'))
    const { csr, certificados, ...answers } = { ...ecce.answers('autenticacao'), sem_deposito: ['true'] }
    await goOn(ana, order.steps[0], answers)
    await answer(ana, order.steps[1].fields, answers)
    await kept(ana)
    const make = async (typed, repeated) => {
      await ana.fill(say('ui.key.passphrase'), typed)
      await ana.fill(say('ui.key.repeat'), repeated)
      await ana.press(say('ui.key.make.button'), { stay: true })
    }
    if (!chromium) await ana.choose(say('ui.key.kind'), 'rsa-3072')
    await make('curta', 'curta')
    await ana.sees(say('ui.key.short'))
    await make(passphrase, `${passphrase}!`)
    await ana.sees(say('ui.key.differs'))
    const field = order.steps[1].fields.find(f => f.key === 'csr').label
    ana.patience = 60 // an RSA key takes its time
    await make(passphrase, passphrase)
    await ana.sees(say('ui.key.made'))
    ana.patience = 5
    assert.equal(await ana.value(field), '', 'the request is there before the key was saved')
    assert.equal(await ana.value(say('ui.key.passphrase')), '', 'the passphrase stays on the page')
    key = await saved(ana, say('ui.key.save'), chromium)
    await ana.sees(say('ui.key.saved'))
    assert.match(await ana.value(field), /^-----BEGIN CERTIFICATE REQUEST-----/)
    assert.match(key.toString(), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    await ana.state('key made')
    for (const one of order.steps.slice(1)) await goOn(ana, one, answers)
    await ana.press(order.submit.label)
    assert.match(ana.at(), /\/recibo$/, await problems(ana))
  })

  await step('two officers approve, identity is proven, and it is issued for that key', async () => {
    const number = await numberOn(ana)
    await take(first, number)
    await first.sees(say('certificate.line.usage'), say('certificate.identity.yes'))
    await approve(first)
    await second.open('/ecce/tecnico/')
    await second.follow(number)
    await approve(second)
    await first.open('/ecce/tecnico/')
    await first.follow(number)
    await first.fill(say('web.move.comprovar.words'), 'Cartão de Cidadão, visto ao balcão de Lisboa.')
    await first.press(say('web.move.comprovar.button'))
    await ana.comes('/ecce/area', say('web.certificate.state.issued'))
    await ana.follow(new RegExp(`^${say('web.open')[mode.lang]}`))
    const pem = await ana.save(say('web.certificate.pem'))
    const plain = await privateKey(key, passphrase)
    assert.ok((await certificate(pem.bytes)).includes(plain.public.trim()), 'it is for another key')
  })

  const joined = async (path, typed) => {
    await ana.attach(say('ui.key.file'), path)
    await ana.fill(say('ui.key.file-passphrase'), typed)
    await ana.press(say('ui.key.join.button'), { stay: true })
  }

  await step('a wrong passphrase, another’s key and a damaged file are told apart', async () => {
    await kept(ana)
    ana.patience = 30
    await joined(await put('chave.pem', key), `${passphrase}?`)
    await ana.sees(say('ui.key.wrong-passphrase'))
    await joined(await put('chave.pem', key.toString().replace(/\n.{8}/, '\n')), passphrase)
    await ana.sees(say('ui.key.damaged'))
    await joined(await put('chave.pem', noKey(key, passphrase)), passphrase)
    await ana.sees(say('ui.key.wrong-passphrase'))
    await joined(await put('outra.pem', await otherKey(passphrase, chromium)), passphrase)
    await ana.sees(say('ui.key.another'))
    await joined(await put('nada.pem', 'isto não é uma chave'), passphrase)
    await ana.sees(say('ui.key.damaged'))
    assert.ok(!await ana.has('link', say('ui.key.save-joined')), 'it offers a file that it could not make')
  })

  await step('the page joins key and certificate to a PKCS#12 that openssl, NSS and GnuTLS read', async () => {
    await joined(await put('chave.pem', key), passphrase)
    await ana.sees(say('ui.key.joined'))
    const p12 = await saved(ana, say('ui.key.save-joined'), chromium)
    await ana.state('joined')
    const read = await readByAll(p12, passphrase)
    assert.match(read.openssl, /MAC: sha256/i)
    assert.match(read.openssl, /PBES2, PBKDF2, AES-256-CBC/)
    assert.equal(read.openssl.match(/BEGIN CERTIFICATE/g).length, 3) // it, its issuer, the root
    assert.match(read.openssl, /BEGIN (ENCRYPTED )?PRIVATE KEY/)
    assert.equal(read.key.trim(), (await privateKey(key, passphrase)).text.trim(), 'it holds another key')
    assert.match(read.nss, /PKCS12 IMPORT SUCCESSFUL/)
    assert.match(read.gnutls, /AES-256-CBC/)
  })

  await step('neither the key nor its passphrase went anywhere', async () => {
    const plain = await privateKey(key, passphrase)
    const secrets = [passphrase, encodeURIComponent(passphrase), new URLSearchParams({ x: passphrase }).toString().slice(2), passphrase.slice(0, 22),
      plain.der.toString('hex'), plain.der.toString('base64').slice(40, 90), plain.secret.toString('hex'), plain.secret.toString('base64').slice(0, 40), key.toString().split('\n')[3]]
    const all = sent()
    assert.ok(all.length > 20, `only ${all.length} requests were seen`)
    if (chromium) assert.ok(all.some(one => one.includes('BEGIN+CERTIFICATE+REQUEST') || one.includes('BEGIN CERTIFICATE REQUEST')), 'the bodies of requests are not recorded')
    for (const one of all) for (const secret of secrets) assert.ok(!one.includes(secret), `a request holds ${secret.slice(0, 12)}…: ${one.slice(0, 80)}`)
    for (const path of (await readdir(server.data, { recursive: true, withFileTypes: true })).filter(e => e.isFile()).map(e => join(e.parentPath ?? e.path, e.name))) {
      const bytes = await readFile(path).catch(() => Buffer.alloc(0))
      for (const secret of [passphrase, encodeURIComponent(passphrase), plain.secret]) assert.ok(!bytes.includes(secret), `${path} holds what never left the browser`)
    }
  })
}

// record gathers what a browser sends: addresses, headers, and the bodies where
// the browser tells them (Chromium does; of Firefox the server's files say what came).
function record(page) {
  const all = []
  const body = request => {
    try {
      return request.postData() ?? ''
    } catch {
      return ''
    }
  }
  page.on('request', request => all.push(`${request.method()} ${request.url()} ${JSON.stringify(request.headers())} ${body(request)}`))
  return () => all
}

// kept has the page keep the files that it offers, for browsers whose downloads a test cannot reach.
async function kept(who) {
  await who.page.evaluate(() => {
    const real = URL.createObjectURL
    URL.createObjectURL = blob => {
      window.offered = blob
      return real.call(URL, blob)
    }
  })
}

// saved presses what saves a file, and gives the file.
async function saved(who, name, downloads) {
  if (!downloads) {
    await who.press(name, { stay: true })
    const text = await who.page.evaluate(async () => Array.from(new Uint8Array(await window.offered.arrayBuffer())))
    return Buffer.from(text)
  }
  const [download] = await Promise.all([who.page.raw.waitForEvent('download'), who.press(name, { stay: true })])
  return readFile(await download.path())
}

async function take(officer, number) {
  await officer.open('/ecce/tecnico/')
  await officer.follow(number)
  await officer.unfold(say('web.move.assumir'))
  await officer.press(say('web.move.assumir.button'))
  await officer.sees(say('web.moved.assumir'))
}

async function approve(officer) {
  await officer.unfold(say('web.move.deferir'))
  await officer.press(say('web.move.deferir.button'))
  await officer.sees(say('web.moved.deferir'))
}
