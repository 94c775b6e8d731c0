// The website certificate of ECCE: ordered for the body's domain, issued once two
// officers have approved and the identity is proven, and read by openssl; the
// first is declined, the second revoked by an officer. What it shares with the
// person's certificate is judged there, in every mode; this is played in one.

import assert from 'node:assert/strict'
import { define, file, linkIn, officer, prove, signIn } from '../lib/acts.mjs'
import { certificate, pdf, publicKey, request } from '../lib/papers.mjs'
import { portal, say } from '../lib/words.mjs'

export const modes = ['chromium-pt']

const ecce = portal('ecce')
const { ana: applicant, teresa, rui } = ecce.people
const order = ecce.procedures.sitio_web
const domains = ['www.dgex.exemplo.pt', 'api.dgex.exemplo.pt']

export default async function ({ person, step, server }) {
  const ana = await person('ana')
  const first = await person('teresa')
  const second = await person('rui')
  const numberOn = async who => /ecce\/\d{4}\/\d+/i.exec(await who.text())[0]

  await step('Ana gets access, with the power for her body’s websites', async () => {
    await ana.open('/ecce/novo/acesso')
    await file(ana, ecce.procedures.acesso, ecce.answers('acesso'), { fich_superior: await pdf('superior-sitio.pdf'), fich_tecnicos_web: await pdf('lista-sitio.pdf') })
    const number = await numberOn(ana)
    await prove(ana, server, applicant.email)
    await officer(first, server, ecce, 0, teresa.password)
    await officer(second, server, ecce, 1, rui.password)
    await take(first, number)
    await approve(first)
    await define(ana, await linkIn(server, applicant.email, 'definir'), applicant.password)
    await signIn(ana, server, ecce, applicant.email, applicant.password)
  })

  // ordered brings a certificate from the order to its page, and gives the page.
  const ordered = async key => {
    await ana.open('/ecce/novo/sitio_web')
    await ana.press(say('web.start'))
    const answers = { localidade_cert: ['Lisboa'], dominios: domains, ambiente: ['producao'], contacto_tecnico: ['web@dgex.exemplo.pt'], csr: [key.text], termos: ['true'] }
    await file(ana, order, answers)
    const number = await numberOn(ana)
    await take(first, number)
    await first.sees(...domains)
    await approve(first)
    await second.open('/ecce/tecnico/')
    await second.follow(number)
    await approve(second)
    await first.open('/ecce/tecnico/')
    await first.follow(number)
    await first.fill(say('web.move.comprovar.words'), 'Cartão de Cidadão, visto ao balcão de Lisboa.')
    await first.press(say('web.move.comprovar.button'))
    await ana.comes('/ecce/area', say('web.certificate.state.issued'))
    const open = say('web.certificate.state.issued').pt
    const href = await ana.page.evaluate(state => [...document.querySelectorAll('main li')].find(li => li.innerText.includes(state) && li.querySelector('a[href*="/certificados/"]'))?.querySelector('a[href*="/certificados/"]').getAttribute('href'), open)
    assert.ok(href, `no certificate that was issued leads anywhere: ${await ana.text()}`)
    await ana.open(href)
    return ana.at()
  }
  const serialOn = who => who.page.evaluate(label => [...document.querySelectorAll('dt')].find(dt => dt.textContent.trim() === label).nextElementSibling.textContent.trim(), say('web.serial').pt)
  const stranger = await person('stranger')
  const told = async (serial, reason) => {
    const answer = await (await stranger.get(`/verificar/${encodeURIComponent(serial)}`, { accept: 'application/json' })).json()
    assert.equal(answer.state, 'revoked')
    assert.equal(answer.reason.pt, say(reason).pt)
  }

  const key = await request()
  let page
  await step('the website certificate is ordered, approved by two, and issued for the key and the domains', async () => {
    page = await ordered(key)
    const pem = await ana.save(say('web.certificate.pem'))
    const text = await certificate(pem.bytes, ['subjectAltName', 'extendedKeyUsage', 'keyUsage', 'basicConstraints'])
    const names = /Subject Alternative Name:[^\n]*\n\s*([^\n]*)/.exec(text)[1].split(',').map(name => name.trim()).sort()
    assert.deepEqual(names, domains.map(name => `DNS:${name}`).sort())
    assert.match(text, /Extended Key Usage:[^\n]*\n\s*TLS Web Server Authentication\s*\n/)
    assert.doesNotMatch(text, /CA:TRUE|TLS Web Client Authentication|Certificate Sign/)
    assert.match(text, /issuer=.*TESTE/)
    assert.ok(text.includes((await publicKey(key.key)).trim()), 'it is for another key')
  })

  await step('declined, it is revoked as superseded at once', async () => {
    const serial = await serialOn(ana)
    await ana.unfold(say('web.certificate.decline.button'))
    await ana.press(say('web.certificate.decline.button'))
    await ana.sees(say('web.certificate.done.recusar'), say('web.certificate.ended'))
    await told(serial, 'status.reason.4')
    await server.mail({ to: applicant.email, subject: 'Certificado recusado' })
  })

  await step('another is ordered with a new key, accepted, and revoked by an officer with reasons', async () => {
    page = await ordered(await request())
    await ana.press(say('web.certificate.accept.button'))
    await ana.sees(say('web.certificate.done.aceitar'))
    const serial = await serialOn(ana)
    await first.open(page.replace('/certificados/', '/tecnico/certificados/'))
    await first.unfold(say('web.revoke'))
    await first.press(say('web.revoke.button'))
    assert.equal(first.status, 422)
    await first.tick(/^RV09/, say('web.reasons')) // the body was dissolved
    await first.fill(say('web.facts'), 'Factos de ensaio: a entidade foi extinta por diploma inventado.')
    await first.press(say('web.revoke.button'))
    await first.sees(say('web.certificate.done.revogar'))
    await told(serial, 'status.reason.5')
    await ana.open(page)
    await ana.sees(say('web.certificate.ended'))
    await server.mail({ to: applicant.email, subject: 'Certificado revogado', text: /Factos de ensaio/ })
  })
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
