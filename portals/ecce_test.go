package portals_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/portals"
)

func ecce(t *testing.T) *portal.Portal {
	t.Helper()
	dir, err := fs.Sub(portals.Files, "ecce")
	if err != nil {
		t.Fatal(err)
	}
	kinds := portal.Outcomes{"account": anything{}, "certificate": anything{}, "mandate": anything{}}
	p, err := portal.Load("ecce", dir, kinds)
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	return p
}

var linkForm = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// read is a page as people read it: links are their words.
func read(t *testing.T, p *portal.Portal, slug string, lang i18n.Lang) string {
	t.Helper()
	page, ok := p.Page(slug)
	if !ok {
		t.Fatalf("no page %s", slug)
	}
	return page.Title.In(lang) + "\n" + linkForm.ReplaceAllString(p.Fill(page.Body, lang), "$1")
}

func request(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// filledOrder gives an order's answers as they stand when a signed-in person of the tour files it.
func filledOrder(t *testing.T, p *portal.Portal, key string) (*portal.Procedure, portal.Answers) {
	t.Helper()
	proc, _ := p.Procedure(key)
	switch key {
	case "sitio_web", "sitio_web_identificado":
		return proc, portal.Answers{
			"ent_nome": {"Direção-Geral de Exemplo"}, "nipc": {"699000017"}, "localidade_cert": {"Lisboa"},
			"dominios": {"www.dgex.exemplo.pt\ndgex.exemplo.pt"}, "ambiente": {"producao"}, "contacto_tecnico": {"web@dgex.exemplo.pt"},
			"csr": {request(t)}, "termos": {"true"},
		}
	case "aplicacao":
		return proc, portal.Answers{
			"ent_nome": {"Direção-Geral de Exemplo"}, "nipc": {"699000017"}, "nome_aplicacao": {"Balcão de Exemplo"}, "ambiente": {"producao"},
			"contacto_tecnico": {"web@dgex.exemplo.pt"}, "csr": {request(t)}, "termos": {"true"},
		}
	case "selo":
		return proc, portal.Answers{
			"denominacao_legal": {"Direção-Geral de Exemplo"}, "nipc": {"699000017"}, "nome_selo": {"Selo de Exemplo"}, "uso_selo": {"Ofícios e certidões."},
			"resp_selo": {"ana.exemplo@dgex.exemplo.pt"}, "resp_substituto": {"bia.exemplo@dgex.exemplo.pt"}, "guarda": {"ficheiro"},
			"csr": {request(t)}, "termos": {"true"},
		}
	}
	_, answers := filed(t, p, "autenticacao")
	if key != "autenticacao" {
		delete(answers, "certificados")
	}
	if key == "confidencialidade" {
		answers["email"], answers["sem_deposito"] = []string{"ana.exemplo@dgex.exemplo.pt"}, []string{"true"}
	}
	answers["ent_nome"], answers["nipc"], answers["csr"] = []string{"Direção-Geral de Exemplo"}, []string{"699000017"}, []string{request(t)}
	return proc, answers
}

// The founding document, sentence by sentence: each is on its page in the words settled for it, in both languages.
func TestTheFoundingSentencesOfECCEAreOnTheirPages(t *testing.T) {
	p := ecce(t)
	for _, c := range []struct{ page, pt, en string }{
		{"acesso", "Solicitação de Acesso ao Portal", "Request for access to the portal"},
		{"acesso", "Mesmo que já tenha solicitado certificados ao CEGER antes de setembro de 2020, data em que o portal foi colocado em linha, nunca o fez através do portal. O primeiro passo é, por isso, pedir o acesso.", "Even if you asked CEGER for certificates before September 2020, when the portal went online, you have never done so through the portal. The first step is therefore to ask for access."},
		{"acesso", "O portal é acessível ao público em geral, mas a ECCE emite certificados apenas para a administração central e local. Por essa razão, cada pedido de acesso é apreciado antes de ser possível pedir certificados.", "The portal is open to the general public, but ECCE issues certificates only to central and local administration. Each request for access is therefore reviewed before certificates can be ordered."},
		{"acesso", "Para que o pedido decorra sem interrupções, tenha consigo, antes de começar:", "So that your request goes smoothly, have the following with you before you start:"},
		{"acesso", "O rascunho é guardado automaticamente. Pode interromper e retomar o pedido, neste ou noutro dispositivo, a partir da ligação enviada para o seu endereço eletrónico.", "Your draft is saved automatically. You can stop and resume on this or another device from the link sent to your e-mail address."},
		{"acesso", "Documento que comprove que exerce funções na entidade indicada e que identifique o respetivo cargo: por exemplo, a publicação da nomeação no Diário da República (DRE), para cargos dirigentes ou equiparados;", "A document proving that you serve in the body named and stating your position: for example, the appointment published in the Diário da República (DRE), for managerial or equivalent positions;"},
		{"acesso", "ou declaração do superior hierárquico (descarregue aqui a minuta, para preencher e assinar), para os cargos de diretor de serviços, diretor de departamento, chefe de divisão, chefe de secção, adjunto, técnico especialista, assessor, técnico superior e outros.", "or a declaration by your superior (download the form here, to fill in and sign), for the positions of director of services, head of department, head of division, head of section, deputy, specialist, adviser, senior officer and others."},
		{"acesso", "Depois de submeter o pedido de acesso, seguem-se estes passos:", "After you submit the request, these steps follow:"},
		{"acesso", "PASSO 1. Validação do seu endereço eletrónico, através de mensagem de correio eletrónico enviada automaticamente pelos nossos serviços.", "STEP 1. Validation of your e-mail address, by an automatic message from our services."},
		{"acesso", "PASSO 2. Nova mensagem dos nossos serviços, com a decisão sobre o pedido de acesso e, em caso de deferimento, a ligação para definir a sua palavra-passe.", "STEP 2. A new message from our services with the decision and, if approved, the link to define your password."},
		{"acesso", "PASSO 3. Envio do código de confirmação do primeiro início de sessão, por correio eletrónico ou SMS, à sua escolha.", "STEP 3. A confirmation code for the first sign-in, by e-mail or SMS, as you choose."},
		{"acesso", "NOTA: Depois do primeiro acesso, poderá usar o botão de autenticação com Chave Móvel Digital ou Cartão de Cidadão.", "NOTE: After the first access you can use the Chave Móvel Digital or Cartão de Cidadão sign-in button."},
		{"inicio", "Portal Cliente", "Client portal"},
		{"inicio", "A ECCE tem à sua disposição um portal para pedir os seus certificados digitais.", "ECCE offers you a portal to order your digital certificates."},
		{"inicio", "Com o Portal Cliente da ECCE, pode aceder aos seus pedidos de certificados e cartões e geri-los de forma mais prática, célere e simples.", "With ECCE's client portal you can reach your certificate and card requests and manage them more easily, quickly and simply."},
		{"inicio", "Tudo num único local.", "All in one place."},
		{"inicio", "Aceda já ao Portal Cliente da ECCE", "Go to ECCE's client portal"},
		{"sobre", "Sistema de Certificação Eletrónica do Estado", "State Electronic Certification System"},
		{"inicio", "## Sistema de Certificação Eletrónica do Estado (SCEE)", "## State Electronic Certification System (SCEE)"},
		{"sobre", "## Sistema de Certificação Eletrónica do Estado (SCEE)", "## State Electronic Certification System (SCEE)"},
		{"inicio", "O Sistema de Certificação Eletrónica do Estado (SCEE) foi criado com o objetivo de assegurar a unidade, a integração e a eficácia dos sistemas de autenticação digital forte das transações eletrónicas entre os diversos serviços e organismos da Administração Pública e entre o Estado e os cidadãos e as empresas.", "The State Electronic Certification System (SCEE) was created to ensure the unity, integration and effectiveness of strong digital authentication in electronic transactions between the services and bodies of Public Administration and between the State, citizens and businesses."},
		{"inicio", "O SCEE foi criado pelo Decreto-Lei n.º 116-A/2006, de 16 de junho, entretanto revogado; rege-se hoje pelo Decreto-Lei n.º 12/2021, de 9 de fevereiro.", "SCEE was created by Decree-Law 116-A/2006 of 16 June, since revoked; it is now governed by Decree-Law 12/2021 of 9 February."},
	} {
		if !strings.Contains(read(t, p, c.page, i18n.PT), c.pt) {
			t.Errorf("%s: not there: %s", c.page, c.pt)
		}
		if !strings.Contains(read(t, p, c.page, i18n.EN), c.en) {
			t.Errorf("%s: not there: %s", c.page, c.en)
		}
	}
	proc, _ := p.Procedure("acesso")
	motive, _ := proc.Field("motivo")
	if motive.Label.PT != "Motivo" || motive.Hint.PT != "Indique a finalidade para a qual pede o acesso. Exemplo: «Pedido de Certificados de assinatura qualificada»." {
		t.Errorf("%+v", motive.Label)
	}
}

// This instance is not known to be qualified, and must not say that it is: only the founding document's example in
// Motivo, qualified signatures asked of others, and the names of what the law calls so may hold the word.
func TestNothingOfECCEClaimsToBeQualified(t *testing.T) {
	allowed := []string{"Pedido de Certificados de assinatura qualificada", "rder of qualified signature certificates", "assinatura eletrónica qualificada", "qualified electronic signature", "dispositivo qualificado", "qualified signature or seal creation device", "neither qualified"}
	err := fs.WalkDir(portals.Files, "ecce", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(portals.Files, name)
		if err != nil {
			return err
		}
		for n, line := range strings.Split(string(text), "\n") {
			for _, words := range allowed {
				line = strings.ReplaceAll(line, words, "")
			}
			if line = strings.ToLower(line); strings.Contains(line, "qualificad") || strings.Contains(line, "qualified") {
				t.Errorf("%s:%d: %s", name, n+1, line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheTourOfECCEFilesHasNoProblems(t *testing.T) {
	p := ecce(t)
	proc, answers := filed(t, p, "acesso")
	if wrong, doubts := problems(proc, answers); len(wrong)+len(doubts) > 0 {
		t.Errorf("acesso: %v, warned %v", wrong, doubts)
	}
	for _, key := range []string{"assinatura", "autenticacao", "confidencialidade", "selo", "sitio_web", "sitio_web_identificado", "aplicacao"} {
		proc, answers := filledOrder(t, p, key)
		if wrong, doubts := problems(proc, answers); len(wrong)+len(doubts) > 0 {
			t.Errorf("%s: %v, warned %v", key, wrong, doubts)
		}
	}
}

func TestAccessToECCERefusesAndDoubts(t *testing.T) {
	proc, good := filed(t, ecce(t), "acesso")
	notListed := portal.Answers{
		"entidade": nil, "ent_nao_consta": {"true"}, "ent_nome": {"Serviço Novo de Exemplo"}, "nipc": {"590000012"}, "ent_tipo": {"direta"},
		"ent_razao": {"nova"}, "ent_explicacao": {"Foi criado em 2026 por um diploma de exemplo."},
	}
	with := func(pairs ...string) portal.Answers {
		more := portal.Answers{}
		for i := 0; i < len(pairs); i += 2 {
			more[pairs[i]] = nil
			if pairs[i+1] != "" {
				more[pairs[i]] = strings.Split(pairs[i+1], "|")
			}
		}
		return more
	}
	without := func(nipc string) portal.Answers {
		more := maps.Clone(notListed)
		more["nipc"] = []string{nipc}
		return more
	}
	for name, c := range map[string]struct {
		change        portal.Answers
		wrong, doubts string
	}{
		"one name":                       {with("nome", "Ana"), "nome E-NOM-01", ""},
		"civil number":                   {with("nic", "000000000ZZ3"), "nic E-NIC-02", ""},
		"no civil number":                {with("nic", ""), "nic E-GER-01", ""},
		"passport":                       {with("doc_tipo", "passaporte", "doc_numero", "AB 12", "doc_pais", "FR"), "", ""},
		"passport without number":        {with("doc_tipo", "passaporte"), "doc_numero E-GER-01,doc_pais E-LST-01", ""},
		"fixed line for codes":           {with("telemovel", "212345678"), "telemovel E-TEL-06", ""},
		"private address":                {with("email", "ana@exemplo.pt"), "", "email A-EML-03"},
		"conditional body":               {with("entidade", "699000114"), "", "entidade A-ENT-02,email A-EML-03,sup_email A-SUP-02"},
		"body not eligible":              {with("entidade", "590001175"), "entidade E-ENT-03", "email A-EML-03,sup_email A-SUP-02"},
		"body of nowhere":                {with("entidade", "590000012"), "entidade E-ENT-01", ""},
		"no body":                        {with("entidade", ""), "entidade E-ENT-01", ""},
		"body not listed":                {notListed, "", ""},
		"body not listed, 6":             {without("699000017"), "", ""},
		"body not listed, 1":             {without("123456789"), "nipc E-NIPC-04", ""},
		"body not listed, 45":            {without("459900013"), "nipc E-NIPC-04", ""},
		"body not listed, 70":            {without("709900015"), "nipc E-NIPC-04", ""},
		"body not listed, 99":            {without("999999990"), "nipc E-NIPC-04", ""},
		"body not listed, seed":          {without("501192295"), "nipc E-NIPC-03", ""},
		"body not listed, check digit":   {without("699000018"), "nipc E-NIPC-03", ""},
		"body not listed, short":         {without("69900001"), "nipc E-NIPC-02", ""},
		"other position":                 {with("cargo", "outro"), "cargo_outro E-CAR-01", ""},
		"term without an end":            {with("regime", "comissao", "sem_termo", ""), "funcao_ate E-GER-01", ""},
		"end before the start":           {with("sem_termo", "", "funcao_ate", "01/01/2020"), "funcao_ate E-DAT-05", ""},
		"ended":                          {with("sem_termo", "", "funcao_ate", "01/01/2026"), "funcao_ate E-DAT-06", ""},
		"far":                            {with("sem_termo", "", "funcao_ate", "01/01/2040"), "", "funcao_ate A-DAT-07"},
		"before 1960":                    {with("funcao_desde", "31/12/1959"), "funcao_desde E-DAT-09", ""},
		"in office tomorrow":             {with("funcao_desde", "22/11/2026"), "funcao_desde E-DAT-02", ""},
		"head without superior":          {with("sup_isento", "true"), "sup_isento E-SUP-03", ""},
		"superior of oneself":            {with("sup_email", "ANA.exemplo@dgex.exemplo.pt"), "sup_email E-SUP-01", ""},
		"short motive":                   {with("motivo", "Acesso"), "motivo E-MOT-01", ""},
		"no purpose":                     {with("finalidade", ""), "finalidade E-FIN-01", ""},
		"DRE of a senior officer":        {with("prova_funcao", "dre"), "prova_funcao E-LST-01", ""},
		"no declaration":                 {with("fich_superior", ""), "fich_superior E-FIC-01", ""},
		"list of technicians":            {with("fich_tecnicos_web", ""), "fich_tecnicos_web E-FIC-01", ""},
		"seal":                           {with("finalidade", "selo"), "fich_poderes E-FIC-01", ""},
		"others":                         {with("finalidade", "terceiros"), "fich_terceiros E-FIC-01", ""},
		"time stamps":                    {with("finalidade", "selos_temporais"), "fich_tecnicos_tsa E-FIC-01", ""},
		"manager by DRE":                 {with("cargo", "ch_div", "prova_funcao", "dre"), "dre_ligacao E-DRE-01", ""},
		"manager by DRE, elsewhere":      {with("cargo", "ch_div", "prova_funcao", "dre", "dre_ligacao", "https://dre.exemplo.pt/1"), "dre_ligacao E-DRE-01", ""},
		"manager by DRE, link":           {with("cargo", "ch_div", "prova_funcao", "dre", "dre_ligacao", "https://diariodarepublica.pt/dr/1"), "", ""},
		"manager by DRE, PDF":            {with("cargo", "ch_div", "prova_funcao", "dre", "fich_dre", "upload"), "", ""},
		"director-general, not by DRE":   {with("cargo", "sup1", "sup_isento", "true"), "dre_razao E-GER-01", ""},
		"director-general, seal":         {with("cargo", "sup1", "sup_isento", "true", "prova_funcao", "dre", "fich_dre", "upload", "finalidade", "selo", "dre_poderes", "true"), "", ""},
		"mayor":                          {with("cargo", "eleito", "sup_isento", "true", "prova_funcao", "superior_ficheiro"), "prova_funcao E-LST-01", ""},
		"mayor, record, seal by law":     {with("cargo", "eleito", "sup_isento", "true", "prova_funcao", "instalacao", "fich_instalacao", "upload", "finalidade", "selo", "norma_poderes", "Lei de Exemplo, artigo 1.º"), "", ""},
		"mayor, no record":               {with("cargo", "eleito", "sup_isento", "true", "prova_funcao", "instalacao"), "fich_instalacao E-FIC-01", ""},
		"cabinet, seal":                  {with("cargo", "adjunto", "finalidade", "selo", "fich_poderes", "upload"), "", "fich_poderes A-POD-01"},
		"letters, but no address":        {with("decl_notificacao", ""), "morada_postal E-GER-01,codigo_postal E-GER-01", "decl_notificacao A-DEC-02"},
		"letters":                        {with("decl_notificacao", "", "morada_postal", "Rua do Exemplo, n.º 1", "codigo_postal", "1900-064"), "", "decl_notificacao A-DEC-02"},
		"no truth":                       {with("decl_verdade", ""), "decl_verdade E-DEC-01", ""},
		"no terms":                       {with("decl_termos", ""), "decl_termos E-DEC-01", ""},
		"purpose that nobody can ask of": {with("finalidade", "tudo"), "finalidade E-LST-01", ""},
	} {
		answers := maps.Clone(good)
		maps.Copy(answers, c.change)
		wrong, doubts := problems(proc, answers)
		if got := strings.Join(wrong, ","); got != c.wrong {
			t.Errorf("%s: %q; expected %q", name, got, c.wrong)
		}
		if got := strings.Join(doubts, ","); got != c.doubts && c.wrong == "" {
			t.Errorf("%s: warned %q; expected %q", name, got, c.doubts)
		}
	}
}

// The proofs of function that each position may bring.
func TestEachPositionIsOfferedItsOwnProofs(t *testing.T) {
	proc, _ := ecce(t).Procedure("acesso")
	proof, _ := proc.Field("prova_funcao")
	for positions, want := range map[string]string{
		"eleito":                            "instalacao dre",
		"sup1 sup2":                         "dre superior_ficheiro",
		"int1 dir_serv dir_dep int2 ch_div": "dre superior_ficheiro",
		"ch_sec tec_sup":                    "superior_ficheiro",
		"adjunto tec_esp assessor outro":    "dre superior_ficheiro",
	} {
		for _, position := range strings.Fields(positions) {
			var got []string
			for _, o := range proof.Choices(portal.Answers{"cargo": {position}}, november) {
				got = append(got, o.Key)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %v; expected %s", position, got, want)
			}
		}
	}
}

func TestOrdersOfECCERefuse(t *testing.T) {
	p := ecce(t)
	for _, c := range []struct{ procedure, field, typed, wrong string }{
		{"autenticacao", "nome_assinatura", "Ana Outra", "nome_assinatura E-NOM-02"},
		{"autenticacao", "nome_assinatura", "ANA DA SILVA", ""},
		{"autenticacao", "nic", "", "nic E-GER-01"},
		{"autenticacao", "csr", "-----BEGIN PRIVATE KEY-----", "csr E-CSR-05"},
		{"autenticacao", "certificados", "", "certificados E-FIN-01"},
		{"autenticacao", "cargo_no_certificado", "sim", "cargo_designacao E-GER-01"},
		{"autenticacao", "termos", "", "termos E-DEC-01"},
		{"assinatura", "nome_assinatura", "Ana Outra", "nome_assinatura E-NOM-02"},
		{"confidencialidade", "sem_deposito", "", "sem_deposito E-DEC-01"},
		{"selo", "nome_selo", "S", "nome_selo E-TXT-01"},
		{"selo", "uso_selo", "curto", "uso_selo E-TXT-01"},
		{"selo", "resp_substituto", "Ana.Exemplo@dgex.exemplo.pt", "resp_substituto E-SEL-02"},
		{"selo", "guarda", "gaveta", "guarda E-LST-01"},
		{"aplicacao", "nome_aplicacao", "", "nome_aplicacao E-GER-01"},
		{"sitio_web_identificado", "localidade_cert", "", "localidade_cert E-GER-01"},
		{"sitio_web_identificado", "dominios", "www.outra.exemplo.pt", "dominios E-DOM-02"},
		{"sitio_web", "dominios", "www.outra.exemplo.pt", "dominios E-DOM-02"},
		{"sitio_web", "dominios", "*.dgex.exemplo.pt", "dominios E-DOM-01"},
		{"sitio_web", "dominios", "192.0.2.1", "dominios E-DOM-01"},
		{"sitio_web", "nipc", "590001191", "dominios E-DOM-02"}, // a body with no known domain
		{"sitio_web", "contacto_tecnico", "web@", "contacto_tecnico E-EML-01"},
		{"sitio_web", "ambiente", "casa", "ambiente E-LST-01"},
	} {
		proc, answers := filledOrder(t, p, c.procedure)
		answers[c.field] = []string{c.typed}
		if wrong, _ := problems(proc, answers); strings.Join(wrong, ",") != c.wrong {
			t.Errorf("%s %q: %v; expected %q", c.field, c.typed, wrong, c.wrong)
		}
	}
	proc, answers := filledOrder(t, p, "sitio_web")
	answers["dominios"] = []string{"www.dgex.exemplo.pt www.outra.exemplo.pt"}
	for _, one := range proc.Judge(answers, november).Problems {
		if one.Args["domínio"] != "www.outra.exemplo.pt" {
			t.Errorf("names %v", one.Args)
		}
	}
	answers["fich_tecnicos_web"] = []string{"upload"}
	if wrong, _ := problems(proc, answers); len(wrong) > 0 {
		t.Errorf("with the list of technicians: %v", wrong)
	}
}

func TestTheTwentyOneQuestionsOfECCEStandInBothLanguages(t *testing.T) {
	p := ecce(t)
	for _, lang := range []i18n.Lang{i18n.PT, i18n.EN} {
		if n := strings.Count(read(t, p, "perguntas-frequentes", lang), "\n## "); n != 21 {
			t.Errorf("%s: %d questions", lang, n)
		}
	}
}

func TestTheRegisterOfECCEIsInvented(t *testing.T) {
	p := ecce(t)
	classes := map[string]int{}
	long := 0
	for _, body := range p.Register {
		if !strings.HasPrefix(body.NIPC, "5900") && !strings.HasPrefix(body.NIPC, "699000") {
			t.Errorf("%s is not of the invented numbers", body.NIPC)
		}
		for _, domain := range body.Domains {
			if !field.Under(domain, "exemplo.pt") {
				t.Errorf("%s is somebody's domain", domain)
			}
		}
		if len([]rune(body.Name)) > 64 {
			long++
		}
		classes[body.Class]++
	}
	if len(classes) != 3 || long < 3 || len(p.Register) < 25 {
		t.Errorf("%v, %d long names of %d", classes, long, len(p.Register))
	}
}

// What the body has yet to say is listed, so that only an evaluation instance starts with it.
func TestWhatECCEHasYetToSetIsListed(t *testing.T) {
	unset := strings.Join(ecce(t).Unset, "\n")
	for _, what := range []string{"Morada", "Telefone de revogação", "contact.email", "accessibility.state", "rules.director.contact"} {
		if !strings.Contains(unset, what) {
			t.Errorf("%s is not listed in\n%s", what, unset)
		}
	}
}

func TestRefusalsToldInEnglishCarryThePortugueseText(t *testing.T) {
	p := ecce(t)
	for _, id := range []string{"E05", "E07", "E15", "E24"} {
		if text := p.Mails.Mails[id].Text.EN; !strings.Contains(text, "The Portuguese text prevails") || !strings.Contains(text, "pelos fundamentos acima") {
			t.Errorf("%s: %s", id, text)
		}
	}
	if !slices.Contains([]string{"E06"}, mailOn(p, portal.AccountInvited)) {
		t.Error("E06 is not the mail of an approved access")
	}
}

func mailOn(p *portal.Portal, event portal.Event) string {
	for id, mail := range p.Mails.Mails {
		if mail.On == event {
			return id
		}
	}
	return ""
}
