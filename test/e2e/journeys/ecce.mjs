// The main job of ECCE: somebody who serves in a public body asks for access,
// comes in, orders a certificate for a key of their own, and revokes it in the end.

import assert from 'node:assert/strict'
import { answer, define, goOn, linkIn, officer, problems, prove, signIn } from '../lib/acts.mjs'
import { certificate, pdf, png, publicKey, put, request } from '../lib/papers.mjs'
import { portal, say } from '../lib/words.mjs'

const ecce = portal('ecce')
const { ana: applicant, teresa, rui } = ecce.people
const access = ecce.procedures.acesso
const order = ecce.procedures.autenticacao
const label = (procedure, key) => procedure.steps.flatMap(step => step.fields).find(field => field.key === key).label

export default async function ({ person, step, server, mode }) {
  const ana = await person('ana')
  const first = await person('teresa')
  const second = await person('rui')
  const answers = ecce.answers('acesso')
  let again // Ana at another browser
  let number, page

  await step('the page of access tells the steps, and leads to the form', async () => {
    await ana.open('/ecce/')
    await ana.sees({ pt: 'Portal Cliente', en: 'Client portal' }, { pt: 'Tudo num único local.', en: 'All in one place.' }, '(SCEE)')
    await ana.press({ pt: 'NOVO ACESSO', en: 'NEW ACCESS' })
    assert.equal(ana.at(), '/ecce/acesso')
    await ana.sees({ pt: 'Solicitação de Acesso ao Portal', en: 'Request for access to the portal' })
    for (const n of [1, 2, 3]) await ana.sees({ pt: `PASSO ${n}.`, en: `STEP ${n}.` })
    await ana.follow(say('web.start'))
    assert.equal(ana.at(), '/ecce/novo/acesso')
  })

  await step('step 1: another document asks for other fields; a wrong card number is refused and kept', async () => {
    await ana.choose(label(access, 'doc_tipo'), access.steps[0].fields[1].options[1].label)
    await ana.press(say('web.save-and-go-on'))
    assert.equal(ana.status, 422)
    assert.ok(await ana.has('field', label(access, 'doc_numero')), 'a passport asks for no number')
    assert.ok(!await ana.has('field', label(access, 'nic')), 'a passport asks for a civil number')
    await ana.choose(label(access, 'doc_tipo'), access.steps[0].fields[1].options[0].label)
    await ana.press(say('web.save-and-go-on'))
    await ana.fill(label(access, 'nic'), '00000000 0 ZZ3')
    await answer(ana, access.steps[0].fields.filter(f => f.key !== 'nic'), answers)
    await ana.press(say('web.save-and-go-on'))
    assert.equal(ana.status, 422)
    await ana.sees(ecce.message('E-NIC-02'))
    assert.equal(await ana.value(label(access, 'nome')), applicant.name)
    await goOn(ana, access.steps[0], answers)
    assert.match(ana.at(), /\/passo\/2$/)
  })

  await step('step 2: a body that is not listed opens its own questions; the search finds by acronym', async () => {
    await ana.tick(label(access, 'ent_nao_consta'))
    await ana.press(say('web.save-and-go-on'))
    assert.equal(ana.status, 422)
    assert.ok(await ana.has('field', label(access, 'ent_explicacao')), 'it does not ask why')
    await ana.untick(label(access, 'ent_nao_consta'))
    await ana.press(say('web.save-and-go-on'))
    await ana.fill(label(access, 'entidade'), 'nenhuma assim')
    await ana.press(say('web.search'))
    await ana.sees(say('web.search-body.none'))
    await ana.fill(label(access, 'entidade'), 'DGEX')
    await ana.press(say('web.search'))
    await ana.tick('Direção-Geral de Exemplo', label(access, 'entidade'))
    await goOn(ana, { fields: access.steps[1].fields.filter(f => f.key !== 'entidade') }, answers)
    assert.match(ana.at(), /\/passo\/3$/)
  })

  await step('step 3: the superior is asked for unless one is the head; back and on again keeps all', async () => {
    await ana.tick(label(access, 'sup_isento'))
    await ana.press(say('web.save-and-go-on'))
    assert.ok(!await ana.has('field', label(access, 'sup_nome')), 'the head of the body is asked for a superior')
    await ana.untick(label(access, 'sup_isento'))
    await ana.press(say('web.save-and-go-on'))
    await goOn(ana, access.steps[2], answers)
    assert.match(ana.at(), /\/passo\/4$/)
    await ana.press(say('web.back'))
    assert.equal(await ana.value(label(access, 'sup_nome')), answers.sup_nome[0])
    await ana.press(say('web.save-and-go-on'))
  })

  await step('step 4: the reason and the purposes', async () => {
    await ana.fill(label(access, 'motivo'), 'curto')
    await ana.press(say('web.save-and-go-on'))
    await ana.sees(ecce.message('E-MOT-01'))
    await goOn(ana, access.steps[3], answers)
    assert.match(ana.at(), /\/passo\/5$/)
  })

  await step('the draft is saved, and resumed from the mailed link in another browser', async () => {
    await ana.press(say('web.save-and-leave'))
    await ana.sees(say('web.saved'))
    const link = await linkIn(server, applicant.email, 'retomar')
    again = await person('ana-again')
    await again.open(link)
    await again.press(say('web.resume.button'))
    assert.match(again.at(), /\/passo\/\d$/)
    await again.open(ana.at())
  })

  await step('step 5: the declaration comes filled in; a wrong kind is refused, a picture is taken, and can be removed', async () => {
    const proof = access.steps[4].fields
    await answer(again, proof.filter(f => f.key === 'prova_funcao'), answers)
    await again.press(say('web.save-and-go-on'))
    assert.equal(again.status, 422)
    const form = again.at()
    await again.follow(say('web.minuta'))
    await again.sees(answers.sup_nome[0], applicant.name, 'Direção-Geral de Exemplo')
    await again.open(form)
    await again.attach(label(access, 'fich_superior'), await put('folha.png', 'isto não é uma imagem'))
    await again.attach(label(access, 'fich_tecnicos_web'), await png('técnicos.png'))
    await again.press(say('web.save-and-go-on'))
    assert.equal(again.status, 422)
    await again.sees('técnicos.png')
    await again.misses('folha.png')
    await again.press(say('ui.files.remove'))
    await again.misses('técnicos.png')
    await goOn(again, access.steps[4], answers, { fich_superior: await pdf('declaração.pdf'), fich_tecnicos_web: await pdf('técnicos.pdf') })
    assert.match(again.at(), /\/passo\/6$/)
  })

  await step('step 6, the review, and the receipt', async () => {
    await goOn(again, access.steps[5], answers)
    assert.match(again.at(), /\/rever$/, await problems(again))
    await again.sees('declaração.pdf', 'Direção-Geral de Exemplo', answers.motivo[0])
    await again.misses('000000000ZZ4', '00000000 0 ZZ4')
    await again.press(access.submit.label)
    assert.match(again.at(), /\/recibo$/, await problems(again))
    number = /ecce\/\d{4}\/\d+/i.exec(await again.text())[0]
    await prove(again, server, applicant.email)
    await again.sees(number)
    const paper = await again.save('declaração.pdf')
    assert.equal(paper.status, 200)
  })

  await step('two officers come in; one takes the case and approves it', async () => {
    await officer(first, server, ecce, 0, teresa.password)
    await officer(second, server, ecce, 1, rui.password)
    await take(first, number)
    await first.sees(applicant.name, 'declaração.pdf', say('web.case.proposal'))
    await first.misses('00000000 0')
    await approve(first)
  })

  await step('Ana defines her password and comes in with a code by e-mail', async () => {
    await define(ana, await linkIn(server, applicant.email, 'definir'), applicant.password)
    await signIn(ana, server, ecce, applicant.email, applicant.password)
    assert.equal(ana.at(), '/ecce/area')
    await ana.sees({ pt: 'Os meus certificados e cartões', en: 'My certificates and cards' }, say('web.certificates.none'))
  })

  const key = await request()
  await step('she orders a certificate for a key of her own', async () => {
    await ana.follow(new RegExp(`${order.title[mode.lang]}`))
    await ana.press(say('web.start'))
    const filled = { ...ecce.answers('autenticacao'), csr: [key.text] }
    await goOn(ana, order.steps[0], filled)
    await ana.fill(label(order, 'csr'), 'isto não é um pedido')
    await ana.press(say('web.save-and-go-on'))
    assert.equal(ana.status, 422)
    assert.equal(await ana.value(label(order, 'csr')), 'isto não é um pedido')
    for (const one of order.steps.slice(1)) await goOn(ana, one, filled)
    await ana.press(order.submit.label)
    assert.match(ana.at(), /\/recibo$/, await problems(ana))
    number = /ecce\/\d{4}\/\d+/i.exec(await ana.text())[0]
  })

  await step('two officers approve the same; one alone is not enough', async () => {
    await take(first, number)
    await approve(first)
    await first.sees(say('web.move.deferir.yours'))
    await second.open('/ecce/tecnico/')
    await second.follow(number)
    await approve(second)
  })

  await step('without the proof of identity nothing is issued; with it, the certificate is', async () => {
    await ana.open('/ecce/area')
    await ana.sees(say('web.certificate.state.awaiting-identity'))
    await first.open('/ecce/tecnico/')
    await first.sees(say('web.awaiting'))
    await first.follow(number)
    await first.fill(say('web.move.comprovar.words'), 'Cartão de Cidadão, visto ao balcão de Lisboa.')
    await first.press(say('web.move.comprovar.button'))
    await first.sees(say('web.moved.comprovar'))
    await ana.comes('/ecce/area', say('web.certificate.state.issued'))
  })

  await step('its page shows who approved, what was checked, and gives the files', async () => {
    await ana.follow(new RegExp(`^${say('web.open')[mode.lang]}`))
    page = ana.at()
    assert.match(page, /^\/ecce\/certificados\//)
    await ana.sees(say('web.custody'), say('web.lint.passed'), say('web.identity.in-person'), number, 'TESTE')
    const pem = await ana.save(say('web.certificate.pem'))
    const told = await certificate(pem.bytes)
    assert.match(told, /Ana Exemplo da Silva/)
    assert.match(told, /issuer=.*TESTE/)
    assert.ok(told.includes((await publicKey(key.key)).trim()), 'it is for another key')
    assert.equal((await ana.save(say('web.certificate.der'))).bytes[0], 0x30)
    assert.equal((await ana.save(say('web.certificate.chain'))).bytes.toString().match(/BEGIN CERTIFICATE/g).length, 3) // it, its issuer, the root
    await first.open(page.replace('/certificados/', '/tecnico/certificados/'))
    await first.sees(say('web.custody'))
    assert.equal((await first.save(say('web.certificate.pem'))).status, 200)
  })

  await step('Ana accepts it, and revokes it in the end', async () => {
    await ana.open(page)
    await ana.press(say('web.certificate.accept.button'))
    await ana.sees(say('web.certificate.done.aceitar'))
    await ana.unfold(say('web.revoke'))
    await ana.press(say('web.revoke.button'))
    assert.equal(ana.status, 422)
    await ana.choose(say('web.reason'), await ana.page.evaluate(() => [...document.querySelectorAll('select option')].find(o => o.value).value))
    await ana.tick(say('web.revoke.sure'))
    await ana.press(say('web.revoke.button'))
    await ana.sees(say('web.certificate.done.revogar'), say('web.certificate.ended'))
  })

  await step('strangers find the authorities, and the certificate revoked', async () => {
    const stranger = await person('stranger')
    await stranger.open('/pki/')
    await stranger.sees('TESTE')
    const list = await stranger.page.evaluate(() => [...document.querySelectorAll('main a[href*="/pki/"]')].map(a => new URL(a.href).pathname))
    for (const path of new Set(list)) assert.equal((await stranger.get(path)).status, 200, path)
    assert.match((await stranger.get('/pki/', { accept: 'application/json' })).headers.get('content-type'), /json/)
    const serial = await ana.page.evaluate(label => [...document.querySelectorAll('dt')].find(dt => dt.textContent.trim() === label).nextElementSibling.textContent.trim(), say('web.serial')[mode.lang])
    await stranger.open('/verificar')
    await stranger.fill(say('web.verify.code'), serial)
    await stranger.press(say('web.verify.button'))
    await stranger.sees(say('web.verify.certificate.revoked'))
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
