package ui_test

import (
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/a-h/templ"

	"chancela/internal/i18n"
	"chancela/internal/web/ui"
)

// The gallery shows every component in every state. The tests below read it; people look at it:
//
//	go test ./internal/web/ui -run TestGallery -gallery /tmp/gallery && (cd /tmp/gallery && python3 -m http.server)
var galleryDir = flag.String("gallery", "", "folder to write the gallery to, to be looked at in a browser")

// sample is one page of the gallery.
type sample struct {
	name string
	page func(say func(pt, en string) string, lang i18n.Lang) templ.Component
}

var samples = []sample{
	{"home", homeSample},
	{"form", formSample},
	{"errors", errorSample},
	{"steps", stepSample},
	{"receipt", receiptSample},
	{"inside", insideSample},
	{"case", caseSample},
	{"queue", queueSample},
	{"texts", textSample},
	{"pieces", pieceSample},
}

// rendered makes every page of the gallery in both languages: "home.pt-PT" and so on.
func rendered(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, lang := range i18n.Langs() {
		say := func(pt, en string) string { return i18n.Text{PT: pt, EN: en}.In(lang) }
		for _, s := range samples {
			html, err := ui.Render(t.Context(), lang, s.page(say, lang))
			if err != nil {
				t.Fatalf("%s in %s: %v", s.name, lang, err)
			}
			all[s.name+"."+string(lang)] = string(html)
		}
	}
	return all
}

var ownFile = regexp.MustCompile(regexp.QuoteMeta(ui.StaticPath) + `[a-z0-9.-]+|url\("[a-z0-9.-]+"\)`)

func TestGalleryPagesNameOnlyFilesThatAreServed(t *testing.T) {
	static := ui.Static()
	seen := map[string]bool{}
	var visit func(text string)
	visit = func(text string) {
		for _, name := range ownFile.FindAllString(text, -1) {
			if m := regexp.MustCompile(`^url\("(.*)"\)$`).FindStringSubmatch(name); m != nil {
				name = ui.StaticPath + m[1]
			}
			if seen[name] {
				continue
			}
			seen[name] = true
			answer := httptest.NewRecorder()
			static.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, name, nil))
			if answer.Code != http.StatusOK {
				t.Errorf("%s: %d", name, answer.Code)
			}
			body, _ := io.ReadAll(answer.Body)
			keep(t, name, body)
			if filepath.Ext(name) == ".css" {
				visit(string(body))
			}
		}
	}
	for name, html := range rendered(t) {
		visit(html)
		keep(t, name+".html", []byte(html))
	}
	if len(seen) < 8 {
		t.Errorf("only %d files seen", len(seen))
	}
}

// keep writes a file of the gallery where somebody asked for it.
func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if *galleryDir == "" {
		return
	}
	to := filepath.Join(*galleryDir, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// with puts children in a component, as templ's braces do.
func with(c templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

type sayer = func(pt, en string) string

const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func theme(colour, dark string) ui.Theme {
	t, err := ui.NewTheme(colour)
	if err == nil {
		t, err = t.WithDark(dark)
	}
	if err != nil {
		panic(err)
	}
	return t
}

func frame(say sayer, title string) ui.Frame {
	page, _ := url.Parse("/ecce/acesso?passo=2")
	return ui.Frame{
		Title: title,
		Brand: ui.Brand{
			Name: say("Portal Cliente da ECCE", "ECCE client portal"), Mark: "ECCE", Home: "/ecce/",
			Body:     say("Entidade Certificadora Comum do Estado", "State Common Certification Authority"),
			Subtitle: say("Certificados digitais da Administração Pública", "Digital certificates of Public Administration"),
		},
		Evaluation: &ui.Evaluation{
			Text:  say("Instância de avaliação. Os certificados emitidos são de TESTE e não têm valor legal.", "Evaluation instance. Certificates are TEST ones and have no legal value."),
			Links: []ui.Link{{Text: say("Ver as mensagens enviadas", "See the messages sent"), Href: "/avaliacao"}},
		},
		Languages: ui.Switch(page),
		Menu: []ui.Link{
			{Text: say("Início", "Home"), Href: "/ecce/", Current: true},
			{Text: say("Solicitação de acesso", "Request access"), Href: "/ecce/acesso"},
			{Text: say("Verificar", "Verify"), Href: "/verificar"},
			{Text: say("Revogar", "Revoke"), Href: "/ecce/revogar"},
			{Text: say("FAQ's (perguntas frequentes)", "FAQ"), Href: "/ecce/perguntas-frequentes"},
			{Text: say("Requisitos técnicos", "Technical requirements"), Href: "/ecce/requisitos"},
			{Text: say("Contactos", "Contacts"), Href: "/ecce/contactos"},
		},
		Footer: ui.Footer{
			Links: []ui.Link{
				{Text: say("Privacidade", "Privacy"), Href: "/ecce/privacidade"},
				{Text: say("Acessibilidade", "Accessibility"), Href: "/ecce/acessibilidade"},
				{Text: say("Declaração de práticas", "Practice statement"), Href: "https://exemplo.invalid/", Outside: true},
			},
			Lines:  []string{"Rua Inventada, n.º 1, 1000-000 Lisboa"},
			Credit: "Exemplo",
		},
	}
}

func trailed(f ui.Frame, say sayer) ui.Frame {
	f.Trail = []ui.Link{
		{Text: say("Início", "Home"), Href: "/ecce/"},
		{Text: say("Os meus pedidos", "My requests"), Href: "/ecce/pedidos"},
	}
	return f
}

func homeSample(say sayer, _ i18n.Lang) templ.Component {
	f := frame(say, say("Portal Cliente da ECCE", "ECCE client portal"))
	f.Kicker = say("Administração central e local", "Central and local administration")
	f.Lead = say("Aceda aos seus pedidos de certificados e cartões e efetue a sua gestão de forma mais prática, célere e simples.", "Reach your certificate and card requests and manage them more easily, quickly and simply.")
	return with(ui.HomePage(f, ui.Home{
		SignIn: ui.SignIn{
			Title: say("Entrar no Portal Cliente", "Sign in"), Action: "/ecce/entrar",
			Next:     ui.Hidden{Name: "seguinte", Value: "/ecce/pedidos"},
			User:     ui.Input{Field: ui.Field{Name: "utilizador"}},
			Password: ui.Password{Field: ui.Field{Name: "palavra"}},
			New:      ui.Link{Href: "/ecce/acesso"}, Recover: ui.Link{Href: "/ecce/recuperar"},
			Later: say("NOTA: Depois do primeiro acesso, poderá usar a Chave Móvel Digital.", "NOTE: After the first access you can use the Chave Móvel Digital."),
			Links: []ui.Link{
				{Text: say("FAQ's", "FAQ"), Href: "/ecce/perguntas-frequentes"},
				{Text: say("Requisitos técnicos", "Technical requirements"), Href: "/ecce/requisitos"},
			},
			Note: say("Funciona nas versões atuais do Edge, Chrome, Firefox e Safari", "Works in current versions of Edge, Chrome, Firefox and Safari"),
		},
		Banner: ui.Banner{
			Title: say("Portal Cliente", "Client portal"),
			Lines: []string{
				say("A ECCE tem à sua disposição um portal para pedir os seus certificados digitais.", "ECCE offers you a portal to order your digital certificates."),
				say("Tudo num único local.", "All in one place."),
			},
			Link: ui.Link{Text: say("Aceda já ao Portal Cliente da ECCE", "Go to ECCE's client portal"), Href: "#entrar-titulo"},
		},
	}),
		with(ui.Section(say("Solicitação de Acesso ao Portal", "Request for access to the portal")),
			ui.StepList([]string{
				say("PASSO 1. Validação do seu endereço eletrónico, através de mensagem de correio eletrónico enviada automaticamente pelos nossos serviços.", "STEP 1. Validation of your e-mail address, by an automatic message from our services."),
				say("PASSO 2. Nova mensagem dos nossos serviços, com a decisão sobre o pedido de acesso e, em caso de deferimento, a ligação para definir a sua palavra-passe.", "STEP 2. A new message with the decision and, if approved, the link to define your password."),
				say("PASSO 3. Envio do código de confirmação do primeiro início de sessão, por correio eletrónico ou SMS, à sua escolha.", "STEP 3. A confirmation code for the first sign-in, by e-mail or SMS, as you choose."),
			})),
		with(ui.Section(say("Sistema de Certificação Eletrónica do Estado (SCEE)", "State Electronic Certification System (SCEE)")),
			with(ui.Prose(), paragraph(say("O SCEE foi criado com o objetivo de assegurar a unidade, a integração e a eficácia dos sistemas de autenticação digital forte das transações eletrónicas entre os diversos serviços e organismos da Administração Pública e entre o Estado e os cidadãos e as empresas.", "SCEE was created to ensure the unity, integration and effectiveness of strong digital authentication in electronic transactions between the services and bodies of Public Administration and between the State, citizens and businesses.")))),
	)
}

// paragraph is text as a page's own templ would write it.
func paragraph(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "<p>"+templ.EscapeString(text)+"</p>")
		return err
	})
}

func casesFrame(say sayer, title string) ui.Frame {
	f := frame(say, title)
	f.Brand = ui.Brand{
		Name: say("Portal de Credenciação", "Accreditation portal"), Mark: "CASES", Home: "/cases/",
		Body:     "Cooperativa António Sérgio para a Economia Social",
		Subtitle: say("Credencial comprovativa da legal constituição e do regular funcionamento das cooperativas", "The credential that proves a cooperative's legal constitution and regular functioning"),
		Theme:    theme("#0b6350", "#063f33"),
	}
	f.Evaluation = nil
	f.Trail = []ui.Link{{Text: say("Início", "Home"), Href: "/cases/"}}
	return f
}

func registration(say sayer, problems map[string]string) templ.Component {
	field := func(name, label, hint string) ui.Field {
		return ui.Field{Name: name, Label: label, Hint: hint, Error: problems[name]}
	}
	warned := field("telefone", say("Telefone", "Telephone"), say("Fixo ou móvel, com 9 algarismos.", "Landline or mobile, 9 digits."))
	if problems == nil {
		warned.Warning = say("Este número não recebe SMS: o código seguirá por correio eletrónico.", "This number gets no SMS: the code will come by e-mail.")
	}
	return with(ui.Fields(ui.Form{Action: "/cases/acesso", Autosave: "/cases/acesso/rascunho", Hidden: []ui.Hidden{{Name: "rascunho", Value: "x"}}}),
		with(ui.Fieldset(say("Registo de cooperativa", "Registration of a cooperative"), say("Todos os campos são de preenchimento obrigatório.", "All fields are mandatory.")),
			ui.TextInput(ui.Input{Field: field("denominacao", say("Denominação de pessoa colectiva da cooperativa", "Name of the cooperative"), say("Denominação da pessoa coletiva, tal como consta do registo comercial.", "As it stands in the register.")), Value: "Cooperativa ABC", Autocomplete: "organization"}),
			ui.TextInput(ui.Input{Field: field("nipc", "NIPC/NIF", say("Número de identificação de pessoa coletiva, com 9 algarismos.", "9 digits.")), Value: "501192295", Kind: ui.Number, Width: ui.Short}),
			with(ui.Pair(),
				ui.TextInput(ui.Input{Field: field("nome", say("Nome do responsável", "Name of the responsible person"), ""), Value: "Maria Inventada", Autocomplete: "name"}),
				ui.TextInput(ui.Input{Field: field("funcao", say("Função na cooperativa", "Function in the cooperative"), ""), Value: "Presidente", Autocomplete: "organization-title"})),
			ui.TextInput(ui.Input{Field: warned, Value: "213878046", Kind: ui.Phone, Width: ui.Medium}),
			ui.TextInput(ui.Input{Field: field("email", "E-mail", say("Será o utilizador de acesso ao portal.", "It will be your user name.")), Value: "maria@exemplo.invalid", Kind: ui.Email})),
		ui.NoticeOf(ui.Notice{Tone: ui.Info, Text: say("Ao gravar, o pedido é enviado.", "Saving sends the request.")}),
		with(ui.Actions(),
			ui.Submit(ui.Button{Text: say("GRAVAR", "SAVE")}),
			ui.Submit(ui.Button{Text: say("CANCELAR", "CANCEL"), Look: ui.Secondary, Action: "/cases/acesso/cancelar", Name: "deed", Value: "cancel"})),
	)
}

func formSample(say sayer, _ i18n.Lang) templ.Component {
	f := casesFrame(say, say("Registo de cooperativa", "Registration of a cooperative"))
	f.Lead = say("Depois de gravar, receberá uma mensagem com o número do pedido e a ligação para confirmar o endereço de correio eletrónico.", "After saving you will get a message with the request's number and the link to confirm your address.")
	return with(ui.Page(f), registration(say, nil))
}

func errorSample(say sayer, _ i18n.Lang) templ.Component {
	f := casesFrame(say, say("Registo de cooperativa", "Registration of a cooperative"))
	f.Failed = true
	problems := map[string]string{
		"nipc":  say("O NIPC não é válido: confirme os 9 algarismos.", "The NIPC is not valid: check its 9 digits."),
		"nome":  say("Preencha o nome do responsável.", "Fill in the name of the responsible person."),
		"email": say("O endereço não está completo. Exemplo: nome@entidade.pt.", "The address is not complete. Example: name@body.pt."),
	}
	return with(ui.Page(f),
		ui.ErrorSummary([]ui.Problem{{Field: "nipc", Text: problems["nipc"]}, {Field: "nome", Text: problems["nome"]}, {Field: "email", Text: problems["email"]}, {Text: say("O pedido não foi enviado.", "The request was not sent.")}}),
		registration(say, problems))
}

func stepSample(say sayer, _ i18n.Lang) templ.Component {
	f := trailed(frame(say, say("Cargo e superior hierárquico", "Position and superior")), say)
	f.Kicker = say("Solicitação de Acesso ao Portal", "Request for access to the portal")
	f.Failed = true
	wrong := func(c ui.Field) ui.Field {
		c.Error = say("Escolha uma das opções.", "Choose one of the options.")
		return c
	}
	purposes := []ui.Option{
		{Value: "assinatura", Text: say("Assinatura, para mim", "Signature, for me"), Hint: say("Certificado no cartão do titular.", "A certificate on the holder's card."), Selected: true},
		{Value: "selo", Text: say("Selo eletrónico", "Electronic seal"), Hint: say("Da entidade, não de uma pessoa.", "Of the body, not of a person.")},
		{Value: "sitio", Text: say("Sítio web", "Website")},
	}
	yesNo := []ui.Option{{Value: "sim", Text: say("Sim", "Yes")}, {Value: "nao", Text: say("Não", "No")}}
	positions := []ui.Option{
		{Value: "dg", Text: say("Diretor-geral", "Director-general"), Group: say("Cargos dirigentes", "Managers")},
		{Value: "ds", Text: say("Diretor de serviços", "Director of services"), Group: say("Cargos dirigentes", "Managers"), Selected: true},
		{Value: "ts", Text: say("Técnico superior", "Senior officer"), Group: say("Outros", "Others")},
	}
	return with(ui.Page(f),
		ui.Stepper([]ui.Step{
			{Text: say("A pessoa", "The person"), Href: "?passo=1", Stage: ui.Done},
			{Text: say("A entidade", "The body"), Href: "?passo=2", Stage: ui.Done},
			{Text: say("Cargo e superior", "Position, superior"), Stage: ui.Now},
			{Text: say("Motivo", "Reason")},
			{Text: say("Comprovativos", "Evidence")},
			{Text: say("Rever e submeter", "Review and submit")},
		}),
		ui.ErrorSummary([]ui.Problem{{Field: "superior", Text: say("Escolha uma das opções.", "Choose one of the options.")}}),
		ui.Checklist(say("Tenha consigo", "Have with you"), []string{
			say("Documento que comprove que exerce funções na entidade indicada e que identifique o respetivo cargo.", "A document proving that you serve in the body named and stating your position."),
			say("Declaração do superior hierárquico.", "A declaration by your superior."),
		}),
		with(ui.Fields(ui.Form{Action: "/ecce/acesso", Files: true, Autosave: "/ecce/acesso/rascunho", ID: "acesso"}),
			ui.Select(ui.Choice{Field: ui.Field{Name: "cargo", Label: say("Cargo", "Position")}, Options: positions}),
			ui.Select(ui.Choice{Field: wrong(ui.Field{Name: "grau", Label: say("Grau", "Grade"), Optional: true, Hint: say("Se existir.", "If there is one.")}), Options: yesNo}),
			ui.Radios(ui.Choice{Field: wrong(ui.Field{Name: "superior", Label: say("O superior hierárquico pode confirmar em linha?", "Can your superior confirm online?")}), Options: yesNo, Inline: true}),
			ui.Checkboxes(ui.Choice{Field: ui.Field{Name: "finalidade", Label: say("Finalidade", "Purpose"), Hint: say("Escolha todas as que se aplicam.", "Choose all that apply.")}, Options: purposes}),
			ui.TextInput(ui.Input{Field: ui.Field{Name: "desde", Label: say("Data de início de funções", "In function since")}, Kind: ui.Date, Value: "04/05/2026"}),
			ui.TextArea(ui.Area{Field: ui.Field{Name: "motivo", Label: say("Motivo", "Reason"), Hint: say("Indique a finalidade para a qual pede o acesso. Exemplo: «Pedido de Certificados de assinatura qualificada».", "State what you are asking access for.")}, Value: say("Pedido de Certificados de assinatura qualificada", "Order of qualified signature certificates"), Max: 500}),
			ui.FileInput(ui.Upload{
				Field:  ui.Field{Name: "comprovativo", Label: say("Comprovativo de funções", "Proof of function"), Hint: say("PDF, PNG ou JPEG até 10 MB.", "PDF, PNG or JPEG up to 10 MB.")},
				Accept: "application/pdf,image/png,image/jpeg", Multiple: true,
				Files: []ui.Uploaded{
					{Name: "nomeacao-no-diario-da-republica-2026-05-04-muito-comprido.pdf", Detail: "PDF, 214 kB", Digest: digest, Href: "/f/1", State: ui.Pill{Text: say("A verificar", "Checking"), Tone: ui.Info}, Remove: ui.Button{Name: "remover", Value: "1"}},
					{Name: "declaracao.png", Detail: "PNG, 1,2 MB"},
				},
			}),
			ui.FileInput(ui.Upload{Field: ui.Field{Name: "declaracao", Label: say("Declaração do superior", "Superior's declaration"), Optional: true, Error: say("O ficheiro está protegido por palavra-passe. Junte uma cópia sem proteção.", "The file is protected by a password. Add an unprotected copy.")}}),
			ui.Checkbox(ui.Check{Field: ui.Field{Name: "decl1", Label: say("Declaro que os documentos juntos são cópias fiéis dos originais.", "I declare that the documents are true copies.")}, Checked: true}),
			ui.Checkbox(ui.Check{Field: ui.Field{Name: "decl2", Label: say("Aceito ser notificado por correio eletrónico neste procedimento.", "I accept notices by e-mail in this procedure."), Error: say("Para continuar, é preciso aceitar.", "You must accept to go on."), Optional: false}}),
			ui.PasswordInput(ui.Password{Field: ui.Field{Name: "nova", Label: say("Nova palavra-passe", "New password"), Hint: say("Use pelo menos 15 caracteres. Pode usar uma frase.", "At least 15 characters. A phrase will do."), Error: say("Esta palavra-passe é demasiado comum. Escolha outra.", "This password is too common. Choose another.")}, New: true}),
			ui.TextInput(ui.Input{Field: ui.Field{Name: "codigo", Label: say("Código de confirmação", "Confirmation code")}, Kind: ui.Code, Max: 6, Value: "012345"}),
			ui.TextInput(ui.Input{Field: ui.Field{Name: "dominio", Label: say("Endereço do sítio", "Website address")}, Kind: ui.Web, ReadOnly: true, Value: "https://exemplo.invalid/"}),
			ui.TextArea(ui.Area{Field: ui.Field{Name: "pedido", Label: say("Pedido de certificado (CSR)", "Certificate request (CSR)"), Warning: say("A chave tem 2048 bits: o mínimo admitido.", "The key has 2048 bits: the least admitted.")}, Mono: true, Rows: 4, Value: "-----BEGIN CERTIFICATE REQUEST-----"}),
			with(ui.Actions(),
				ui.Submit(ui.Button{Text: say("Guardar e continuar", "Save and go on")}),
				ui.ButtonLink(ui.Link{Text: say("Anterior", "Previous"), Href: "?passo=2", Icon: ui.IconBack}, ui.Plain))),
	)
}

func signedIn(f ui.Frame, say sayer) ui.Frame {
	f.Person = &ui.Person{Name: "Maria Inventada", Acts: "Município de Exemplo", Account: ui.Link{Href: "/ecce/conta"}, SignOut: "/ecce/sair"}
	f.Session = &ui.Session{Left: 30 * time.Minute, Extend: "/ecce/sessao"}
	return trailed(f, say)
}

func receiptSample(say sayer, _ i18n.Lang) templ.Component {
	f := casesFrame(say, say("Pedido de acesso enviado", "Access request sent"))
	return with(ui.Page(f),
		with(ui.ReceiptOf(ui.Receipt{
			Label: say("Pedido de acesso n.º", "Access request no."), Number: "CASES-A-2026-000123",
			Text: say("Enviámos uma mensagem para maria@exemplo.invalid. Abra a ligação nos próximos 10 dias úteis para confirmar o endereço; se expirar, pode pedir outra.", "We sent a message to maria@exemplo.invalid. Open its link within 10 working days; if it expires, ask for another."),
			Facts: []ui.Fact{
				{Label: say("Enviado em", "Sent on"), Text: say("4 de maio de 2026, às 14h30", "4 May 2026, 14:30")},
				{Label: say("Resumo do pedido", "Digest of the request"), Body: ui.Fingerprint("SHA-256", digest)},
			},
			Save: ui.Link{Text: say("Descarregar comprovativo", "Download receipt"), Href: "/r", Icon: ui.IconSave, Save: true},
		})),
		with(ui.Section(say("O que se segue", "What comes next")),
			ui.Timeline(say("Passos do pedido", "Steps of the request"), []ui.Mark{
				{Title: say("Pedido enviado", "Request sent"), When: say("4 de maio de 2026, às 14h30", "4 May 2026, 14:30"), By: "Maria Inventada", Tone: ui.Success},
				{Title: say("Confirmar o endereço", "Confirm the address"), Stage: ui.Now, Text: say("Abra a ligação da mensagem.", "Open the message's link."), Link: ui.Link{Text: say("Enviar nova ligação", "Send a new link"), Href: "/n"}},
				{Title: say("Decisão", "Decision"), Stage: ui.Ahead, When: say("Em regra, até 10 dias úteis", "As a rule within 10 working days")},
			})),
	)
}

func insideSample(say sayer, _ i18n.Lang) templ.Component {
	f := signedIn(frame(say, say("Os meus certificados e cartões", "My certificates and cards")), say)
	return with(ui.Page(f),
		with(ui.NoticeOf(ui.Notice{Tone: ui.Success, Title: say("Certificado emitido", "Certificate issued"), Text: say("Confirme que os dados estão corretos antes de o ativar.", "Confirm that the data are right before activating."), Live: true})),
		ui.Tabs(say("Vistas", "Views"), []ui.Tab{
			{Text: say("Certificados", "Certificates"), Href: "?v=1", Current: true, Count: 2},
			{Text: say("Cartões", "Cards"), Href: "?v=2"},
			{Text: say("Pedidos", "Requests"), Href: "?v=3", Count: 12},
		}),
		ui.Cards([]ui.Card{
			{Kicker: "4F:A2:01", Title: say("Autenticação", "Authentication"), State: ui.Pill{Text: say("Ativo", "Active"), Tone: ui.Success}, Text: say("Válido até 4 de maio de 2029 (faltam 900 dias).", "Valid until 4 May 2029 (900 days left)."), Link: ui.Link{Text: say("Abrir", "Open"), Hidden: " 4F:A2:01", Href: "/c/1"}},
			{Kicker: "4F:A2:02", Title: say("Selo eletrónico", "Electronic seal"), State: ui.Pill{Text: say("Suspenso", "Suspended"), Tone: ui.Warning}, Text: say("Suspenso desde 1 de junho de 2026.", "Suspended since 1 June 2026."), Link: ui.Link{Text: say("Abrir", "Open"), Hidden: " 4F:A2:02", Href: "/c/2"}},
			{Kicker: "4F:A2:03", Title: say("Sítio web", "Website"), State: ui.Pill{Text: say("Revogado", "Revoked"), Tone: ui.Danger}, Text: "www.exemplo.invalid"},
			{Title: say("Pedir um certificado", "Order a certificate"), Text: say("Assinatura, selo eletrónico, sítio web, aplicação.", "Signature, seal, website, application."), Link: ui.Link{Text: say("Começar", "Start"), Href: "/novo"}},
		}),
		ui.EmptyOf(ui.Empty{Title: say("Não tem cartões.", "You have no cards."), Text: say("Os cartões aparecem aqui quando forem atribuídos.", "Cards appear here once assigned."), Link: ui.Link{Text: say("Pedir um cartão", "Order a card"), Href: "/cartao", Icon: ui.IconAdd}}),
		ui.CodeOf(ui.CodeBlock{Label: say("Certificado, em PEM", "Certificate, PEM"), Text: "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ0Vf0000000000000000000000000000000000000000000000000000000\n-----END CERTIFICATE-----", Save: ui.Link{Text: say("Descarregar", "Download"), Href: "/c/1.pem", Icon: ui.IconSave, Save: true}}),
	)
}

func officerFrame(say sayer, title string) ui.Frame {
	f := signedIn(frame(say, title), say)
	f.Wide = true
	f.Person.Acts = say("Responsável pela direção do procedimento", "Director of the procedure")
	return f
}

func caseSample(say sayer, _ i18n.Lang) templ.Component {
	f := officerFrame(say, say("Pedido de acesso de Maria Inventada", "Access request of Maria Inventada"))
	f.Kicker = "ECCE-A-2026-000123"
	f.State = ui.Pill{Text: say("Em apreciação", "Under review"), Tone: ui.Info}
	change := ui.Link{Href: "?passo=2"}
	return with(ui.Page(f),
		ui.NoticeOf(ui.Notice{Tone: ui.Warning, Title: say("Prazo de decisão: 30 de julho de 2026 (faltam 3 dias)", "Decision due: 30 July 2026 (3 days left)")}),
		with(ui.Beside(say("Comprovativos", "Evidence"), with(ui.Section(say("Comprovativos", "Evidence")),
			ui.EvidenceOf(ui.Evidence{Title: say("Comprovativo de funções", "Proof of function"), File: "nomeacao-diario-da-republica.pdf", Detail: "PDF, 214 kB", Open: "/e/1", Download: "/e/1?d", Digest: digest, State: ui.Pill{Text: say("Aceite", "Accepted"), Tone: ui.Success},
				Findings: []ui.Finding{{Tone: ui.Success, Text: say("Assinatura qualificada de João Inventado, válida.", "Qualified signature of João Inventado, valid.")}, {Tone: ui.Danger, Text: say("O documento foi alterado depois de assinado.", "Altered after signing.")}}}),
			ui.EvidenceOf(ui.Evidence{Title: say("Declaração do superior", "Superior's declaration"), File: "declaracao.png", Image: true, Open: "/e/2"}))),
			with(ui.Section(say("Respostas", "Answers")),
				ui.Facts([]ui.Fact{
					{Label: say("Nome", "Name"), Text: "Maria da Conceição d’Orey Inventada-Exemplo", Change: change},
					{Label: say("Entidade", "Body"), Text: "Município de Exemplo", Notes: []ui.Finding{{Tone: ui.Success, Text: say("Consta do registo de entidades.", "In the register of bodies.")}}, Change: change},
					{Label: "NIPC", Text: "500000000", Notes: []ui.Finding{{Tone: ui.Danger, Text: say("O algarismo de controlo não está certo.", "The check digit is wrong.")}, {Tone: ui.Warning, Text: say("Há outro pedido com este número.", "Another request has this number.")}, {Tone: ui.Info, Text: say("Primeiro pedido desta entidade.", "First request of this body.")}}, Change: change},
					{Label: say("Motivo", "Reason"), Text: "Linha um\nLinha dois", Change: ui.Link{Href: "?passo=4", Text: say("Corrigir", "Correct"), Hidden: " motivo"}},
				})),
			with(ui.Section(say("Decidir", "Decide")),
				with(ui.Fields(ui.Form{Action: "/d", ID: "decidir"}),
					ui.TextArea(ui.Area{Field: ui.Field{Name: "fundamentacao", Label: say("Fundamentação", "Reasons"), Optional: true}}),
					with(ui.Actions(),
						ui.Submit(ui.Button{Text: say("Deferir", "Approve"), Icon: ui.IconCheck, Name: "d", Value: "1"}),
						ui.Submit(ui.Button{Text: say("Pedir elementos", "Ask for elements"), Look: ui.Secondary}),
						ui.Submit(ui.Button{Text: say("Propor indeferimento", "Propose refusal"), Look: ui.Harmful}))),
				ui.Submit(ui.Button{Text: say("Devolver à fila", "Back to queue"), Look: ui.Quiet, Form: "decidir"}))),
		ui.Findings([]ui.Finding{{Tone: ui.Warning, Text: say("Há outro pedido desta pessoa.", "This person has another request.")}}),
		with(ui.Section(say("Histórico", "History")),
			ui.Timeline(say("Histórico do processo", "History of the case"), []ui.Mark{
				{Title: say("Submetido", "Submitted"), When: "4 de maio de 2026, às 14h30", By: "Maria Inventada"},
				{Title: say("Elementos pedidos", "Elements asked for"), When: "5 de maio de 2026, às 9h00", By: "Rui Inventado", Tone: ui.Warning},
				{Title: say("Indeferimento proposto", "Refusal proposed"), Tone: ui.Danger, By: "Rui Inventado"},
				{Title: say("Em apreciação", "Under review"), Stage: ui.Now, Tone: ui.Info},
			})),
	)
}

func queueSample(say sayer, _ i18n.Lang) templ.Component {
	f := officerFrame(say, say("Fila de trabalho", "Queue"))
	row := func(number, body string, p ui.Pill, days string) ui.Row {
		return ui.Row{Cells: []templ.Component{ui.A(ui.Link{Text: number, Href: "/p/" + number}), ui.Words("Maria Inventada"), ui.Words(body), ui.PillOf(p), ui.Words(days)}}
	}
	return with(ui.Page(f),
		ui.SearchBox(ui.Search{Action: "/ecce/tecnico/", Name: "q", Label: say("Procurar processo", "Find a case"), Hint: say("Nome, NIPC ou número do processo.", "Name, NIPC or number of the case."), Hidden: []ui.Hidden{{Name: "estado", Value: "todos"}}}),
		ui.TableOf(ui.Table{
			Caption: say("Processos por apreciar", "Cases to review"), Quiet: true,
			Columns: []ui.Column{{Text: say("Processo", "Case")}, {Text: say("Requerente", "Applicant")}, {Text: say("Entidade", "Body")}, {Text: say("Estado", "State")}, {Text: say("Dias", "Days"), Numeric: true}},
			Rows: []ui.Row{
				row("ECCE-A-2026-000123", "Município de Exemplo", ui.Pill{Text: say("Em apreciação", "Under review"), Tone: ui.Info}, "3"),
				row("ECCE-A-2026-000124", "Direção-Geral do Exemplo e da Invenção Administrativa", ui.Pill{Text: say("Aguarda elementos", "Awaiting elements"), Tone: ui.Warning}, "12"),
				row("ECCE-A-2026-000125", "Freguesia de Exemplo", ui.Pill{Text: say("Rascunho", "Draft")}, "1"),
			},
		}),
		ui.TableOf(ui.Table{Caption: say("Entidades", "Bodies"), Columns: []ui.Column{{Text: "NIPC"}}, Rows: []ui.Row{{Cells: []templ.Component{ui.Words("500000000")}}}}),
		ui.TableOf(ui.Table{Empty: say("Não há processos nesta fila.", "No cases in this queue.")}),
		ui.PageNumbers(ui.Pages{Current: 5, Last: 12, Total: 231, Href: func(n int) string { return "?p=" + strconv.Itoa(n) }}),
	)
}

func textSample(say sayer, _ i18n.Lang) templ.Component {
	f := casesFrame(say, say("FAQ's (perguntas frequentes)", "FAQ (frequently asked questions)"))
	answer := paragraph(say("Use a opção RECUPERAR PALAVRA-CHAVE na página de entrada e indique os dados de registo. Se coincidirem, recebe uma ligação de utilização única para definir uma nova palavra-passe.", "Use RECOVER PASSWORD and give your registration data. If they match, you get a single-use link."))
	return with(ui.Page(f),
		ui.Accordion([]ui.Question{
			{ID: "registo", Title: say("Como é feito o registo de utilizador?", "How do I register?"), Answer: answer, Open: true},
			{Title: say("Esqueceu a sua password?", "Forgot your password?"), Answer: answer},
			{Title: say("Quanto custa?", "What does it cost?"), Answer: answer},
		}),
		with(ui.Panel(say("Contacto para informações", "Contact")),
			ui.Facts([]ui.Fact{{Label: "E-mail", Body: ui.A(ui.Link{Text: "apoio@exemplo.invalid", Href: "mailto:apoio@exemplo.invalid", Icon: ui.IconMail})}, {Label: say("Telefone", "Telephone"), Body: ui.A(ui.Link{Text: "213 878 046", Href: "tel:+351213878046", Icon: ui.IconPhone})}})),
		with(ui.Details(say("Por que motivo pedimos estes dados?", "Why do we ask for these data?")), paragraph(say("Para apreciar o pedido.", "To review the request."))))
}

func pieceSample(say sayer, _ i18n.Lang) templ.Component {
	f := frame(say, say("Peças e tons", "Pieces and tones"))
	f.Brand.Logo = ui.Href("mark.svg")
	f.Brand.Theme = theme("#7a1f3d", "")
	f.Languages = nil
	var notices, pills, buttons []templ.Component
	for _, tone := range []ui.Tone{ui.Neutral, ui.Info, ui.Success, ui.Warning, ui.Danger} {
		notices = append(notices, ui.NoticeOf(ui.Notice{Tone: tone, Title: string(tone), Text: say("Texto do aviso, com o que fazer.", "The notice's text, and what to do.")}))
		pills = append(pills, ui.PillOf(ui.Pill{Tone: tone, Text: string(tone)}))
	}
	for _, look := range []ui.Look{ui.Primary, ui.Secondary, ui.Quiet, ui.Harmful, ui.Plain} {
		buttons = append(buttons, ui.Submit(ui.Button{Text: string(look), Look: look}), ui.ButtonLink(ui.Link{Text: string(look), Href: "#", Hidden: " x"}, look))
	}
	signIn := ui.SignIn{Title: say("Entrar no portal", "Sign in"), Action: "/e", Problem: say("O utilizador ou a palavra-passe não estão corretos.", "User or password is not correct."), User: ui.Input{Field: ui.Field{Name: "u"}, Value: "maria@exemplo.invalid"}, Password: ui.Password{Field: ui.Field{Name: "p"}}}
	return with(ui.Page(f), append(notices,
		with(ui.Panel(""), pills...),
		with(ui.Fields(ui.Form{Action: "/x"}), with(ui.Actions(), buttons...)),
		ui.SignInCard(signIn),
		ui.BannerOf(ui.Banner{Title: "Banner", Lines: []string{"…"}}),
		ui.EvidenceOf(ui.Evidence{Title: "A", File: "b.pdf", Findings: []ui.Finding{{Text: "neutral"}}}),
		ui.LinkList([]ui.Link{{Text: "a", Href: "/a"}, {Text: "b", Href: "/b", Save: true}}),
		ui.KeyMaker(ui.Field{Name: "pedido"}), with(ui.Section(say("Ficheiros", "Files")), ui.KeyJoiner(ui.Joining{Chain: "…", Name: "x", File: "x.p12"})),
		ui.Bullets([]string{say("Uma linha.", "A line.")}), ui.Typed("case.approve"),
		with(ui.Sheet(), ui.Words(say("Exmo.(a) Senhor(a)", "Dear Sir or Madam"))),
		ui.Default(), with(ui.Fold("ato", say("Pedir elementos", "Ask for elements"), true), ui.Blocks([]templ.Component{ui.Checkbox(ui.Check{Field: ui.Field{Name: "pedir", Label: say("Documento", "Document"), Links: []ui.Link{{Text: say("Ler o texto", "Read the text"), Href: "/t"}}}})})),
		with(ui.Section(say("Pedidos", "Requests")), ui.SubCards([]ui.Card{{Kicker: "1", Title: say("Pedido", "Request"), Text: "…", State: ui.Pill{Text: "x"}, Link: ui.Link{Text: say("Abrir", "Open"), Hidden: " 1", Href: "#"}}})),
	)...)
}

func TestEveryClassHasARuleAndEveryRuleAClass(t *testing.T) {
	for _, line := range ui.ClassesThatDisagree(t, rendered(t)) {
		t.Error(line)
	}
}
