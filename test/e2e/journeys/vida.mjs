// The life of a certificate: suspended at night by the code of the letter, made
// good by an officer, revoked on a date that is called off, suspended by its
// holder, revoked by an officer; strangers ask how it stood; a problem is
// reported and answered.

import assert from 'node:assert/strict'
import { define, file, letter, linkIn, officer, prove, signIn } from '../lib/acts.mjs'
import { pdf, request } from '../lib/papers.mjs'
import { portal, say } from '../lib/words.mjs'

export const modes = ['chromium-pt', 'chromium-en', 'chromium-noscript']

const ecce = portal('ecce')
const { ana: applicant, teresa, rui } = ecce.people
const facts = 'Factos de ensaio: o titular confirmou pelo telefone que está registado.'

export default async function ({ person, step, server, mode }) {
  const ana = await person('ana')
  const first = await person('teresa')
  const second = await person('rui')
  const stranger = await person('stranger')
  const numberOn = async who => /ecce\/\d{4}\/\d+/i.exec(await who.text())[0]
  const value = (who, label) => who.page.evaluate(label => [...document.querySelectorAll('dt')].find(dt => dt.textContent.trim() === label).nextElementSibling.textContent.trim(), say(label)[mode.lang])

  let page, desk, serial, number, code
  await step('Ana has a certificate, and the letter with its revocation code', async () => {
    await ana.open('/ecce/novo/acesso')
    await file(ana, ecce.procedures.acesso, ecce.answers('acesso'), { fich_superior: await pdf('superior-vida.pdf'), fich_tecnicos_web: await pdf('lista-vida.pdf') })
    const access = await numberOn(ana)
    await prove(ana, server, applicant.email)
    await officer(first, server, ecce, 0, teresa.password)
    await officer(second, server, ecce, 1, rui.password)
    await take(first, access)
    await approve(first)
    await define(ana, await linkIn(server, applicant.email, 'definir'), applicant.password)
    await signIn(ana, server, ecce, applicant.email, applicant.password)
    await ana.open('/ecce/novo/autenticacao')
    await ana.press(say('web.start'))
    await file(ana, ecce.procedures.autenticacao, { ...ecce.answers('autenticacao'), csr: [(await request()).text] })
    number = await numberOn(ana)
    await take(first, number)
    await approve(first)
    await second.open('/ecce/tecnico/')
    await second.follow(number)
    await approve(second)
    await first.open('/ecce/tecnico/')
    await first.follow(number)
    await first.fill(say('web.move.comprovar.words'), 'Cartão de Cidadão, visto ao balcão de Lisboa.')
    await first.press(say('web.move.comprovar.button'))
    await ana.comes('/ecce/area', say('web.certificate.state.issued'))
    const href = await ana.page.evaluate(() => document.querySelector('main a[href*="/certificados/"]').getAttribute('href'))
    await ana.open(href)
    page = ana.at()
    desk = page.replace('/certificados/', '/tecnico/certificados/')
    serial = await value(ana, 'web.serial')
    code = await codeIn(server)
  })

  await step('from the portal’s first page and from the verification, anybody comes to stop a certificate', async () => {
    await stranger.open('/verificar')
    await stranger.sees(say('web.verify.stop'))
    await stranger.open('/ecce/')
    await stranger.follow({ pt: 'Revogar', en: 'Revoke' })
    assert.equal(stranger.at(), '/ecce/revogar')
    await stranger.press(say('web.stop.button'))
    assert.equal(stranger.status, 422)
    await stop(stranger, 'ecce/2001/000001', code, 'suspender')
    assert.equal(stranger.status, 422)
    await stranger.sees(say('certificate.stop.refused'))
    assert.equal(await stranger.value(say('web.stop.number')), 'ecce/2001/000001')
  })

  await step('by number and code it is suspended; machines and people are told so at once', async () => {
    await stop(stranger, number, code.toLowerCase(), 'suspender')
    await stranger.sees(say('web.stopped.suspender'), serial)
    assert.ok(!stranger.at().includes(serial) && !stranger.at().includes(code), stranger.at())
    assert.equal((await told(stranger, serial)).state, 'suspended')
    await ana.open(page)
    await ana.sees(say('web.certificate.state.suspended'), say('web.certificate.holds'))
    await server.mail({ to: applicant.email, subject: /suspenso|suspended/i })
  })

  await step('an officer finds it in the queue, and lifts the suspension', async () => {
    await first.open('/ecce/tecnico/')
    await first.sees(say('web.held'))
    await second.open(desk)
    await second.unfold(say('web.certificate.move.levantar'))
    await second.press(say('web.certificate.move.levantar.button'))
    assert.equal(second.status, 422)
    await second.fill(say('web.reinstate.facts'), facts)
    await second.press(say('web.certificate.move.levantar.button'))
    await second.sees(say('web.certificate.done.levantar'))
    const now = await told(stranger, serial)
    assert.equal(now.state, 'valid')
    assert.equal(now.suspensions.length, 1)
    assert.equal((await told(stranger, serial, now.suspensions[0].from)).state, 'suspended')
  })

  await step('Ana sets a date for its revocation; an officer calls it off', async () => {
    const soon = new Date(Date.now() + 40 * 24 * 3600 * 1000).toISOString().slice(0, 10).split('-').reverse().join('/')
    await ana.open(page)
    await ana.unfold(say('web.revoke'))
    await ana.choose(say('web.reason'), '3')
    await ana.fill(say('web.revoke.on'), '01/01/2001')
    await ana.tick(say('web.revoke.sure'))
    await ana.press(say('web.revoke.button'))
    assert.equal(ana.status, 422)
    await ana.sees(say('E-REV-02'))
    await ana.fill(say('web.revoke.on'), soon)
    await ana.press(say('web.revoke.button'))
    await ana.sees(say('web.certificate.done.agendar'))
    await second.open(desk)
    await second.unfold(say('web.certificate.move.anular-data'))
    await second.press(say('web.certificate.move.anular-data.button'))
    await second.sees(say('web.certificate.done.anular-data'))
  })

  await step('she suspends it herself, asks for a new code, and asks how it stood on a day', async () => {
    await ana.open(page)
    await ana.unfold(say('web.certificate.move.suspender'))
    await ana.choose(say('web.suspend.reason'), '1')
    await ana.press(say('web.certificate.move.suspender.button'))
    await ana.sees(say('web.certificate.done.suspender'))
    await ana.unfold(say('web.certificate.move.novo-codigo'))
    await ana.press(say('web.certificate.move.novo-codigo.button'))
    await ana.sees(say('web.certificate.done.novo-codigo'))
    assert.notEqual(await codeIn(server), code)
    await ana.fill(say('web.verify.on-day'), '01/02/2020')
    await ana.press(say('web.verify.button'))
    await ana.sees(say('web.verify.state.not-yet'), say('web.verify.suspension'))
  })

  await step('a problem is reported without signing in, and so is a lost code', async () => {
    await stranger.open('/ecce/comunicar-problema')
    await stranger.press(say('web.report.button'))
    assert.equal(stranger.status, 422)
    await stranger.fill(say('web.report.about'), serial)
    await stranger.fill(say('web.report.words'), 'Vi este certificado usado por quem não é o titular.')
    await stranger.fill(say('web.report.mail'), 'quem.viu@exemplo.test')
    await stranger.press(say('web.report.button'))
    await stranger.sees(say('web.report.done'))
    await server.mail({ to: 'quem.viu@exemplo.test' })
    await stranger.open('/ecce/revogar/sem-codigo')
    await stranger.fill(say('web.call-back.name'), 'Ana Exemplo da Silva')
    await stranger.fill(say('web.call-back.body'), 'Direção-Geral do Exemplo')
    await stranger.fill(say('web.call-back.telephone'), '912 345 678')
    await stranger.fill(say('web.call-back.words'), 'Roubaram-me a mala, com o computador e a carta.')
    await stranger.press(say('web.call-back.button'))
    await stranger.sees(say('web.call-back.done'))
  })

  await step('an officer reads the report, revokes, and answers', async () => {
    await first.open('/ecce/tecnico/comunicacoes')
    await first.sees(serial, say('problem.kind.call-back'))
    const report = await first.page.evaluate(serial => [...document.querySelectorAll('tr')].find(tr => tr.innerText.includes(serial)).querySelector('a').getAttribute('href'), serial)
    await second.open(desk)
    await second.unfold(say('web.revoke'))
    await second.tick(/^RV01/, say('web.reasons'))
    await second.fill(say('web.facts'), facts)
    await second.press(say('web.revoke.button'))
    await second.sees(say('web.certificate.done.revogar'), say('web.certificate.ended'))
    const now = await told(stranger, serial)
    assert.equal(now.state, 'revoked')
    assert.equal(now.revoked_at, now.suspensions[1].from, 'revoked as of its suspension')
    assert.ok(now.crl_number > 0)
    await first.open(report)
    await first.press(say('web.problem.move'))
    assert.equal(first.status, 422)
    await first.fill(say('web.problem.answer'), 'O certificado foi revogado hoje mesmo.')
    await first.press(say('web.problem.move'))
    await first.sees(say('web.problem.answered'))
    await server.mail({ to: 'quem.viu@exemplo.test', text: /revogado hoje mesmo/ })
  })
}

async function stop(who, number, code, how) {
  await who.open('/ecce/revogar')
  await who.fill(say('web.stop.number'), number)
  await who.fill(say('web.stop.code'), code)
  await who.tick(say(`web.stop.how.${how}`), say('web.stop.how'))
  await who.choose(say('web.reason'), '1')
  await who.press(say('web.stop.button'))
}

function codeIn(server) {
  return letter(server, applicant.email, 'a revocation code', mail => /(?<![\w-])[0-9A-Z]{4}(-[0-9A-Z]{4}){2}-[0-9A-Z](?![\w-])/.exec(mail.text)?.[0])
}

async function told(who, serial, at) {
  const query = at ? `?em=${encodeURIComponent(at)}` : ''
  return (await who.get(`/verificar/${encodeURIComponent(serial)}${query}`, { accept: 'application/json' })).json()
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
