// The main job of CASES: a cooperative asks for access, with every mistake that
// people make; comes in; files the yearly case; and anyone verifies what it gets.

import assert from 'node:assert/strict'
import { answer, choosePassword, confirm, enter, file, goOn, linkIn, officer, problems, prove } from '../lib/acts.mjs'
import { pdf, put } from '../lib/papers.mjs'
import { portal, say } from '../lib/words.mjs'

const cases = portal('cases')
const { sara, rita } = cases.people

const labels = {
  denominacao: { pt: 'Denominação de pessoa colectiva da cooperativa', en: 'Name of the cooperative as a legal person' },
  nipc: 'NIPC/NIF',
  nome: { pt: 'Nome do responsável', en: 'Name of the person responsible' },
  funcao: { pt: 'Função na cooperativa', en: 'Function in the cooperative' },
  telefone: { pt: 'Telefone', en: 'Telephone' },
  email: 'E-mail',
}
const GRAVAR = { pt: 'GRAVAR', en: 'SAVE' }

export default async function ({ person, step, server, mode }) {
  const ana = await person('sara')
  const officer1 = await person('rita')
  const files = Object.fromEntries(await Promise.all(['ata', 'relatorio_gestao', 'balanco', 'parecer_fiscal'].map(async slot => [slot, await pdf(`${slot}.pdf`)])))
  const mistyped = 'sara.exemlpo@cooperativa.exemplo.pt'
  let number, code, credential

  await step('the front page leads to the portal, and NOVO ACESSO to the six fields', async () => {
    await ana.open('/')
    await ana.follow({ pt: 'Abrir Portal de Credenciação', en: 'Open Accreditation portal' })
    assert.equal(ana.at(), '/cases/')
    await ana.press({ pt: 'NOVO ACESSO', en: 'NEW ACCESS' })
    await ana.sees({ pt: 'Ao gravar, o pedido é enviado.', en: 'Saving sends the request.' })
  })

  await step('a form with mistakes comes back with all of them, and all that was typed', async () => {
    await ana.fill(labels.denominacao, 'Cooperativa Exemplo, CRL')
    await ana.fill(labels.nipc, '501192295') // the founding document's own sample: its check digit is wrong
    await ana.fill(labels.nome, 'Sara')
    await ana.fill(labels.telefone, '12345')
    await ana.press(GRAVAR)
    assert.equal(ana.status, 422)
    await ana.sees(cases.message('E-NIPC-03'))
    assert.equal(await ana.value(labels.nipc), '501192295')
    assert.equal(await ana.value(labels.nome), 'Sara')
    assert.equal(await ana.value(labels.telefone), '12345')
    const links = await ana.page.evaluate(() => [...document.querySelectorAll('.error-summary a')].map(a => [a.getAttribute('href'), document.querySelector(a.getAttribute('href')) !== null]))
    assert.ok(links.length >= 4, `the summary lists only ${JSON.stringify(links)}`)
    for (const [href, there] of links) assert.ok(there, `${href} of the summary leads nowhere`)
  })

  await step('put right, it is filed: the receipt has number and digests', async () => {
    const answers = cases.answers('acesso')
    answers.email = [mistyped]
    await goOn(ana, cases.procedures.acesso.steps[0], answers, {}, GRAVAR)
    assert.match(ana.at(), /\/recibo$/, await problems(ana))
    number = /cases\/\d{4}\/\d+/i.exec(await ana.text())?.[0]
    assert.ok(number, `no number on ${await ana.text()}`)
    assert.match(await ana.text(), /[0-9a-f]{64}/)
  })

  await step('the mistyped address is corrected before it is proven, and told when it is wrong again', async () => {
    await ana.unfold(say('web.correct'))
    await ana.fill(labels.email, 'sara.exemplo@')
    await ana.press(say('web.correct.button'))
    assert.equal(ana.status, 422)
    assert.equal(await ana.value(labels.email), 'sara.exemplo@')
    await ana.unfold(say('web.correct'))
    await ana.fill(labels.email, sara.email)
    await ana.press(say('web.correct.button'))
    await ana.sees(number)
  })

  await step('opening the mailed link proves nothing; its button does; twice it says so', async () => {
    const link = await linkIn(server, sara.email, 'confirmar')
    await ana.open(link)
    await ana.sees(say('web.prove.text'))
    await ana.open(link)
    await ana.press(say('web.prove.button'))
    assert.match(ana.at(), /\/processos\/[^/]+$/)
    await ana.sees(number, cases.statuses?.proven ?? say('case.state.proven'))
    const other = await linkIn(server, mistyped, 'confirmar')
    await ana.open(other)
    assert.equal(ana.status, 410)
    await ana.open(link)
    assert.equal(ana.status, 410)
    await ana.follow(say('web.link.again'))
  })

  await step('the case is followed without an account, by a mailed link', async () => {
    const stranger = await person('follower')
    await stranger.open('/cases/')
    await stranger.follow({ pt: 'Acompanhar um processo', en: 'Follow a case' })
    await stranger.fill(say('web.follow.number'), number)
    await stranger.fill(say('web.follow.address'), sara.email)
    await stranger.press(say('web.follow.send'))
    await stranger.sees(say('web.follow.sent'))
    await stranger.open(await linkIn(server, sara.email, 'acompanhar'))
    await stranger.press(say('web.follow.button'))
    await stranger.sees(number, 'Cooperativa Exemplo, CRL')
    await stranger.follow(say('web.receipt'))
    await stranger.sees(number)
  })

  let officerAddress
  await step('an officer comes in by the printed link, and finds the case', async () => {
    officerAddress = await officer(officer1, server, cases, 0, rita.password)
    assert.equal(officer1.at(), '/cases/tecnico/')
    await officer1.sees(number)
    for (const words of [number, '590000012', 'Sara Exemplo', 'cooperativa exemplo']) {
      await officer1.fill(say('web.queue.search'), words)
      await officer1.press(say('ui.search'))
      await officer1.sees(number)
    }
    await officer1.fill(say('web.queue.search'), 'ninguém assim')
    await officer1.press(say('ui.search'))
    await officer1.sees(say('web.queue.none'))
    await officer1.open('/cases/tecnico/')
    for (const tab of ['meus', 'por-assumir', 'em-apreciacao', 'aguarda-elementos', 'em-audiencia', 'decididos', 'todos']) {
      await officer1.follow(say(`web.queue.tab.${tab}`))
      assert.equal(officer1.status, 200)
    }
    await officer1.follow(number)
  })

  await step('the officer takes the case, notes, and asks for a document that the form did not ask', async () => {
    await officer1.sees('Sara Exemplo', say('web.case.findings'), say('web.case.no-evidence'))
    await officer1.unfold(say('web.move.assumir'))
    await officer1.press(say('web.move.assumir.button'))
    await officer1.sees(say('web.moved.assumir'))
    await officer1.unfold(say('web.move.nota'))
    await officer1.fill(say('web.move.nota.words'), 'Falta ver os poderes.')
    await officer1.press(say('web.move.nota.button'))
    await officer1.sees(say('web.moved.nota'))
    await officer1.unfold(say('web.move.elementos'))
    await officer1.press(say('web.move.elementos.button'))
    await officer1.sees(say('case.elements.none'))
    const later = cases.procedures.acesso['ask-later'][0].label
    await officer1.unfold(say('web.move.elementos'))
    await officer1.tick(later)
    await officer1.fill(say('web.move.elementos.reason', { what: later[mode.lang] }), 'A função de presidente não mostra, por si, os poderes.')
    await officer1.press(say('web.move.elementos.button'))
    await officer1.sees(say('web.moved.elementos'))
  })

  await step('the applicant answers in place; a file of the wrong kind is refused by its content', async () => {
    const link = await linkIn(server, sara.email, 'acompanhar')
    await ana.open(link)
    await ana.press(say('web.follow.button'))
    await ana.sees(say('web.elements'), 'A função de presidente não mostra, por si, os poderes.')
    const later = cases.procedures.acesso['ask-later'][0].label
    await ana.attach(later, await put('poderes.pdf', 'isto é texto, e não um PDF'))
    await ana.fill(say('web.elements.words'), 'Segue o documento.')
    await ana.press(say('web.elements.button'))
    assert.equal(ana.status, 422)
    assert.equal(await ana.value(say('web.elements.words')), 'Segue o documento.')
    await ana.attach(later, await pdf('procuração.pdf'))
    await ana.press(say('web.elements.button'))
    assert.equal(ana.status, 200)
    await ana.sees(say('web.next.in-review'))
  })

  await step('the officer reads the document and approves', async () => {
    await officer1.open('/cases/tecnico/')
    await officer1.follow(number)
    const paper = await officer1.save(say('ui.evidence.save'))
    assert.equal(paper.status, 200)
    assert.ok(paper.bytes.subarray(0, 5).equals(Buffer.from('%PDF-')))
    await officer1.unfold(say('web.move.deferir'))
    await officer1.press(say('web.move.deferir.button'))
    await officer1.sees(say('web.moved.deferir'))
  })

  await step('a weak password is refused, and so are two that differ; a good one is taken once', async () => {
    const link = await linkIn(server, sara.email, 'definir')
    await ana.open(link)
    for (const [typed, again, says] of [['curta', 'curta', say('pass.short')], ['cooperativa exemplo', 'cooperativa exemplo', say('pass.context')], [sara.password, 'outra coisa qualquer', say('pass.different')]]) {
      await choosePassword(ana, typed, again)
      await ana.press(say('pass.title'))
      assert.equal(ana.status, 422)
      await ana.sees(says)
    }
    await choosePassword(ana, sara.password)
    await ana.press(say('pass.title'))
    await ana.sees(say('web.done.definida'))
    await ana.open(link)
    assert.equal(ana.status, 410)
  })

  await step('a wrong password and a wrong code are told; the code comes by SMS', async () => {
    await enter(ana, cases, sara.email, 'não é esta a palavra-passe')
    await ana.sees(say('login.wrong'))
    assert.equal(await ana.value(cases['sign-in'].user), sara.email)
    assert.equal(await ana.value(cases['sign-in'].password), '')
    await enter(ana, cases, sara.email, sara.password)
    await ana.sees(say('login.channel'))
    await ana.tick(say('login.channel.sms'))
    await ana.press(say('web.code.send'))
    await ana.fill(say('web.code'), '000000')
    await ana.press(say('web.code.confirm'))
    assert.equal(ana.status, 422)
    const sms = await server.sms({ to: '+351912345678' })
    await ana.fill(say('web.code'), /\d{6}/.exec(sms.text)[0])
    await ana.press(say('web.code.confirm'))
    assert.equal(ana.at(), '/cases/area')
    await ana.sees(say('web.credentials.none'), cases.powers[0].label)
  })

  const yearly = cases.procedures.credencial
  await step('the yearly case is begun, saved as one goes, and its first step put right', async () => {
    await ana.follow(new RegExp(`^${say('web.start')[mode.lang]}.*${yearly.title[mode.lang]}`))
    await ana.press(say('web.start'))
    assert.match(ana.at(), /\/passo\/1$/)
    await ana.sees(say('ui.steps.at', { n: 1, all: yearly.steps.length + 1 }))
    await ana.press(say('web.save-and-go-on'))
    assert.equal(ana.status, 422)
    const answers = cases.answers('credencial')
    await answer(ana, yearly.steps[0].fields, { ...answers, codigo_postal: ['9500-000'], codigo_certidao: ['1234'] })
    await ana.press(say('web.save-and-go-on'))
    assert.equal(ana.status, 422)
    await ana.press(say('web.save-and-leave'))
    await ana.sees(say('web.saved'))
    if (mode.js) {
      await ana.fill(yearly.steps[0].fields.find(f => f.key === 'morada').label, 'Rua do Exemplo, n.º 2')
      await ana.sees(say('ui.autosave.saved'))
    }
    await goOn(ana, yearly.steps[0], answers)
    assert.match(ana.at(), /\/passo\/2$/)
  })

  const slot = key => yearly.steps.flatMap(s => s.fields).find(f => f.key === key).label
  await step('every step is filled, rows too; a file of the wrong kind is refused, the others are kept', async () => {
    const answers = cases.answers('credencial')
    for (const [i, one] of yearly.steps.entries()) {
      if (i === 0) continue
      if (one.fields.some(f => f.key === 'ata')) {
        await ana.attach(slot('ata'), files.ata)
        await ana.attach(slot('balanco'), await put('imagem.pdf', 'GIF89a, e não um PDF'))
        await ana.press(say('web.save-and-go-on'))
        assert.equal(ana.status, 422)
        await ana.sees('ata.pdf')
        await ana.misses('imagem.pdf')
        delete files.ata // it is there already
      }
      await goOn(ana, one, answers, files)
    }
    assert.match(ana.at(), /\/rever$/, await problems(ana))
  })

  await step('the review shows all, leads back, and is submitted', async () => {
    await ana.sees('Cooperativa Exemplo, CRL', 'ata.pdf', 'parecer_fiscal.pdf', "José Exemplo d'Ávila")
    await ana.press(yearly.submit.label)
    assert.match(ana.at(), /\/recibo$/, await problems(ana))
    number = /cases\/\d{4}\/\d+/i.exec(await ana.text())[0]
    await ana.open('/cases/processos')
    await ana.sees(number)
    await ana.follow(number)
    await ana.sees(say('web.timeline'))
  })

  await step('the officer reviews the documents beside the answers, and approves', async () => {
    await officer1.open('/cases/tecnico/')
    await officer1.follow(number)
    await officer1.unfold(say('web.move.assumir'))
    await officer1.press(say('web.move.assumir.button'))
    await officer1.sees('ata.pdf', say('web.case.proposal'))
    await officer1.unfold(say('web.move.deferir'))
    await officer1.press(say('web.move.deferir.button'))
    await officer1.sees(say('web.moved.deferir'))
  })

  await step('the credencial has a page, and its PDF is sealed', async () => {
    await ana.comes('/cases/area', { pt: 'Válida', en: 'Valid' })
    await ana.follow(new RegExp(`^${say('web.open')[mode.lang]}`))
    credential = ana.at()
    assert.match(credential, /^\/cases\/credenciais\//)
    await ana.sees('Cooperativa Exemplo, CRL', say('web.custody'))
    const paper = await ana.save(say('web.credential.pdf'))
    assert.equal(paper.status, 200)
    assert.match(paper.kind, /application\/pdf/)
    assert.ok(paper.bytes.includes('/SubFilter'), 'the PDF has no signature')
    code = await ana.page.evaluate(() => [...document.querySelectorAll('a[href^="/verificar/"]')][0].textContent.trim())
  })

  const stranger = await person('verifier')
  await step('anyone verifies it by its code, by its body, on a date, and as data', async () => {
    await stranger.open('/verificar')
    await stranger.press(say('web.verify.button'))
    assert.equal(stranger.status, 422)
    await stranger.fill(say('web.verify.code'), code.toLowerCase().replaceAll('-', ' '))
    await stranger.press(say('web.verify.button'))
    await stranger.sees({ pt: 'Válida', en: 'Valid' }, 'Cooperativa Exemplo, CRL', say('web.verify.compare'))
    await stranger.fill(say('web.verify.on-day'), '01/02/2020')
    await stranger.press(say('web.verify.button'))
    await stranger.sees(say('web.verify.state.not-yet'))
    await stranger.open('/verificar/AAAA-AAAA-AAAA-A')
    await stranger.sees(say('web.verify.not-found'))
    await stranger.open('/verificar')
    await stranger.fill('NIPC', '590000012')
    await stranger.press(say('web.verify.button'))
    const data = await stranger.get(`/verificar/${encodeURIComponent(code)}`, { accept: 'application/json' })
    assert.equal(data.status, 200)
    assert.equal((await data.json()).state, 'valid')
  })

  await step('an officer suspends it, lifts that, and revokes it; strangers are told so', async () => {
    const id = credential.split('/').pop()
    await officer1.open(`/cases/tecnico/credenciais/${id}`)
    const paper = await officer1.save(say('web.credential.pdf'))
    assert.equal(paper.status, 200)
    for (const [move, state] of [['suspender', say('web.verify.state.suspended')], ['levantar', { pt: 'Válida', en: 'Valid' }], ['revogar', say('web.verify.state.revoked')]]) {
      await officer1.unfold(say(`web.credential.move.${move}`))
      if (await officer1.has('field', say('web.facts'))) {
        await officer1.press(say(`web.credential.move.${move}`))
        assert.equal(officer1.status, 422)
        if (await officer1.has('option', /^R/, say('web.reasons'))) await officer1.tick(/^R/, say('web.reasons'))
        await officer1.fill(say('web.facts'), 'Factos de ensaio, com pelo menos trinta caracteres de fundamentação.')
      }
      await officer1.press(say(`web.credential.move.${move}`))
      await officer1.sees(say(`web.credential.done.${move}`))
      await stranger.open(`/verificar/${encodeURIComponent(code)}`)
      await stranger.sees(state)
    }
    await ana.open(credential)
    await ana.sees(say('web.credential.state.revoked'))
  })
}
