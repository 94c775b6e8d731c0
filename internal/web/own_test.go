package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/apptest"
)

func TestWhatIsSentIsReviewedWholeFirst(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id, here := evidenceStep(t, p)
	review := "/ecce/processos/" + id + "/rever"
	a := want(t, p.Get(t, review), http.StatusOK)
	sound(t, a)
	says(t, a, "Ana Exemplo da Silva", "Inspeção-Geral de Exemplo (590001019)", "José Exemplo d'Ávila", "2020", "Submeter pedido")
	if strings.Contains(a.Body, "000000000ZZ4") || strings.Contains(a.Body, "00000000 0 ZZ4") {
		t.Error("a number that is not disclosed is shown whole")
	}
	lines := summary(t, a) // the documents are missing, and the last declarations
	for _, name := range []string{"fich_superior", "fich_tecnicos_web", "decl_verdade", "decl_termos"} {
		if lines[name] == "" {
			t.Errorf("%s is not asked for: %v", name, lines)
		}
	}
	for _, n := range all(a.Page(t), "a") { // each line of the summary leads to the very field
		if path, id, ok := strings.Cut(attr(n, "href"), "#"); ok && strings.HasPrefix(id, "campo-") && byID(p.Get(t, path).Page(t), id) == nil {
			t.Errorf("%s is not there", attr(n, "href"))
		}
	}
	b := want(t, p.Post(t, "/ecce/processos/"+id+"/submeter", nil), http.StatusUnprocessableEntity)
	sound(t, b)
	if lines := summary(t, b); lines["fich_superior"] == "" {
		t.Errorf("sent all the same, it says %v", lines)
	}
	if c := p.Get(t, here+"?ver=1"); summary(t, c)["fich_superior"] == "" {
		t.Error("the step does not say what is wrong with it")
	}
}

// whole is a long form filled in to its end, in review.
func whole(t *testing.T, p *apptest.Person) (id string, paper apptest.File) {
	t.Helper()
	id, here := evidenceStep(t, p)
	paper = document("declaração ‘assinada’.pdf", id)
	a := p.Upload(t, here, url.Values{"prova_funcao": {"superior_ficheiro"}}, map[string]apptest.File{
		"fich_superior": paper, "fich_tecnicos_web": document("lista.pdf", id+"-lista"),
	})
	want(t, a, http.StatusSeeOther)
	leads(t, p.Post(t, a.Location(), url.Values{"decl_verdade": {"true"}, "decl_notificacao": {"true"}, "decl_termos": {"true"}}), "/ecce/processos/"+id+"/rever")
	return id, paper
}

func TestTheReceiptHasNumberMomentAndDigests(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id, paper := whole(t, p)
	at := "/ecce/processos/" + id
	if a := p.Get(t, at+"/rever"); len(summary(t, a)) > 0 {
		t.Fatalf("not whole: %v", summary(t, a))
	}
	leads(t, p.Get(t, at+"/recibo"), at+"/passo/1") // nothing was sent yet
	leads(t, p.Post(t, at+"/submeter", nil), at+"/recibo")
	leads(t, p.Post(t, at+"/submeter", nil), at+"/recibo") // a second click
	a := want(t, p.Get(t, at+"/recibo"), http.StatusOK)
	sound(t, a)
	number := numberOf(t, a)
	if !strings.HasPrefix(number, "ECCE/") && !strings.HasPrefix(number, "ecce/") {
		t.Errorf("the number is %q", number)
	}
	sum := sha256.Sum256(paper.Content)
	says(t, a, "Pedido de acesso n.º "+number+" submetido", "declaração ‘assinada’.pdf", hex.EncodeToString(sum[:]), "Pedido completo",
		"Submetido em", "PASSO 1. Validação do seu endereço eletrónico", "PASSO 3. Envio do código de confirmação", "Enviámos uma mensagem para "+emailOf(t, a))
	if n := strings.Count(a.Body, `class="step-list__named"`); n != 3 || strings.Count(a.Text(t), "PASSO 1.") != 1 {
		t.Errorf("%d steps stand under the number that they bring", n)
	}
	says(t, p.Get(t, at+"/recibo", english), "Access request no. "+number+" submitted", "The whole request", "What comes next")
	leads(t, p.Get(t, at+"/rever"), at)
	leads(t, p.Get(t, at+"/passo/2"), at)
	leads(t, p.Get(t, at+"/cancelar"), at)
}

// emailOf is the address in the form by which a receipt lets it be corrected.
func emailOf(t *testing.T, a apptest.Answer) string {
	t.Helper()
	return typed(labelled(t, a, "Endereço eletrónico"))
}

func TestCancelarAsksAndThenErasesDraftAndFilesAtOnce(t *testing.T) {
	app := start(t) // not in parallel: it counts what is on disk
	p := app.Person(t)
	before := filesIn(t, app)
	id, _ := whole(t, p)
	at := "/ecce/processos/" + id
	if n := filesIn(t, app); n != before+2 {
		t.Fatalf("%d files came", n-before)
	}
	a := want(t, p.Get(t, at+"/cancelar"), http.StatusOK)
	sound(t, a)
	says(t, a, "Pretende cancelar? Os dados preenchidos e os ficheiros juntos serão apagados de imediato.", "Apagar o rascunho")
	want(t, p.Get(t, at+"/rever"), http.StatusOK) // asking changed nothing
	stranger := app.Person(t)
	if b := stranger.Post(t, at+"/cancelar", nil); b.Status == http.StatusSeeOther && b.Location() == "/ecce/" {
		t.Error("a stranger cancels")
	}
	leads(t, p.Post(t, at+"/cancelar", nil), "/ecce/")
	if n := filesIn(t, app); n != before {
		t.Errorf("%d files stayed", n-before)
	}
	if b := p.Get(t, at); b.Status == http.StatusOK {
		t.Error("the draft is still there")
	}
	if p.Cookie("c-ecce") != "" {
		t.Error("the browser keeps the key of what is gone")
	}
}

func TestAMistypedAddressIsCorrectedBeforeItIsProven(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	wrong, right := newAddress("sarra"), newAddress("sara")
	id := filed(t, p, six(wrong, newBody()))
	at := "/cases/processos/" + id
	old := app.Mail(t, wrong, apptest.Link("/confirmar/"))
	a := p.Get(t, at+"/recibo")
	says(t, a, "O endereço ou o telefone estão errados?")
	a = want(t, p.Post(t, at+"/corrigir", url.Values{"email": {"sara@"}, "telefone": {"1"}}), http.StatusUnprocessableEntity)
	sound(t, a)
	if lines := summary(t, a); len(lines) != 2 || beside(t, a, "email") == "" || beside(t, a, "telefone") == "" {
		t.Errorf("the summary is %v", lines)
	}
	if typed(labelled(t, a, "E-mail")) != "sara@" || typed(labelled(t, a, "Telefone")) != "1" {
		t.Error("what was typed is lost")
	}
	refusedByName(t, "the correction", p.Post(t, at+"/corrigir", url.Values{"email": {right}, "nome": {"Outra Pessoa"}}), "nome")
	leads(t, p.Post(t, at+"/corrigir", url.Values{"email": {right}, "telefone": {"912 345 678"}}), at+"/recibo")
	says(t, p.Get(t, at+"/recibo"), "Enviámos uma mensagem para "+right)
	says(t, p.Get(t, at), "Sara Exemplo")
	if b := app.Person(t).Post(t, old, nil); b.Status == http.StatusSeeOther {
		t.Error("the link that went to the wrong address still proves")
	}
	proven(t, p, right)
	if p.Get(t, at+"/recibo").Says(t, "O endereço ou o telefone estão errados?") {
		t.Error("a proven address can still be corrected")
	}
	want(t, p.Post(t, at+"/corrigir", url.Values{"email": {newAddress("x")}, "telefone": {"912 345 678"}}), http.StatusConflict)
}

func TestACaseIsNobodyElses(t *testing.T) {
	t.Parallel()
	app := start(t)
	rita := officer(t, app, coop)
	one, two := member(t, app, rita), member(t, app, rita)
	a := one.Post(t, "/cases/novo/credencial", nil)
	id := caseIn(a.Location())
	at := "/cases/processos/" + id
	want(t, one.Get(t, a.Location()), http.StatusOK)
	stranger := app.Person(t)
	for _, path := range []string{"", "/passo/1", "/rever", "/recibo", "/cancelar", "/desistir", "/documentos/x", "/minutas/poderes"} {
		if b := two.Get(t, at+path); b.Status != http.StatusNotFound {
			t.Errorf("another member gets %s: %d", path, b.Status)
		}
		b := stranger.Get(t, at+path)
		if b.Status != http.StatusNotFound && !strings.HasPrefix(b.Location(), "/cases/?seguinte=") {
			t.Errorf("a stranger gets %s: %d", path, b.Status)
		}
		c := stranger.Get(t, strings.Replace(at, id, strings.Repeat("a", len(id)), 1)+path)
		if c.Status != b.Status || len(c.Body) != len(b.Body) && b.Status == http.StatusNotFound {
			t.Errorf("%s tells a stranger whether the case exists: %d and %d", path, b.Status, c.Status)
		}
	}
	for _, path := range []string{"/passo/1", "/guardar", "/submeter", "/cancelar", "/corrigir", "/responder", "/pronuncia", "/desistir", "/retirar/x"} {
		if b := two.Post(t, at+path, nil); b.Status != http.StatusNotFound {
			t.Errorf("another member posts %s: %d", path, b.Status)
		}
		if b := stranger.Post(t, at+path, nil); b.Status != http.StatusNotFound && !strings.HasPrefix(b.Location(), "/cases/?seguinte=") {
			t.Errorf("a stranger posts %s: %d %s", path, b.Status, b.Location())
		}
	}
	want(t, one.Get(t, a.Location()), http.StatusOK)
}

func TestMyRequestsAreThoseOfWhoeverIsSignedIn(t *testing.T) {
	t.Parallel()
	app := start(t)
	rita := officer(t, app, coop)
	sara := member(t, app, rita)
	leads(t, app.Person(t).Get(t, "/cases/processos"), "/cases/?seguinte="+url.QueryEscape("/cases/processos"))
	want(t, rita.Get(t, "/cases/processos"), http.StatusNotFound)
	sara.Post(t, "/cases/novo/credencial", nil)
	a := want(t, sara.Get(t, "/cases/processos"), http.StatusOK)
	sound(t, a)
	says(t, a, "Rascunho", "Pedido de credencial", "Fazer um pedido")
	says(t, sara.Get(t, "/cases/processos", english), "My requests", "Draft", "Request for the credencial", "Make a request")
}

// asked is a case of which an officer wants a document.
func asked(t *testing.T, app *apptest.App, p *apptest.Person) (id string, rita *apptest.Person) {
	t.Helper()
	rita = officer(t, app, coop)
	email := newAddress("sara")
	id = filed(t, p, six(email, newBody()))
	proven(t, p, email)
	rita.Move(t, coop, id, "assumir", nil)
	a := rita.Get(t, "/cases/tecnico/processos/"+id)
	values := rita.Shown(t, coop, id)
	for _, n := range all(a.Page(t), "input") {
		if attr(n, "type") == "checkbox" && attr(n, "value") == "poderes" {
			values.Set(attr(n, "name"), "poderes")
		}
	}
	for _, n := range all(a.Page(t), "") {
		name := attr(n, "name")
		if strings.HasPrefix(name, "elementos.") && strings.Contains(name, "poderes") && (n.Data == "textarea" || attr(n, "type") == "text") {
			values.Set(name, "A função indicada não mostra, por si só, os poderes de representação.")
		}
	}
	want(t, rita.Post(t, "/cases/tecnico/processos/"+id+"/elementos", values), http.StatusSeeOther)
	return id, rita
}

func TestWhatIsAskedForIsBroughtOnThePageOfTheCase(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	id, _ := asked(t, app, p)
	at := "/cases/processos/" + id
	a := want(t, p.Get(t, at), http.StatusOK)
	sound(t, a)
	says(t, a, "Aguarda elementos", "Elementos pedidos", "A função indicada não mostra, por si só, os poderes de representação.", "Responder ao pedido de elementos até")
	labelled(t, a, "Documento comprovativo dos poderes de representação")
	a = p.Upload(t, at+"/responder", url.Values{"mensagem": {"Segue em breve & <b>já</b>"}}, nil)
	want(t, a, http.StatusUnprocessableEntity)
	sound(t, a)
	if summary(t, a)["poderes"] == "" || typed(labelled(t, a, "Mensagem para os serviços")) != "Segue em breve & <b>já</b>" {
		t.Errorf("the summary is %v, the message is %q", summary(t, a), typed(labelled(t, a, "Mensagem para os serviços")))
	}
	a = p.Upload(t, at+"/responder", url.Values{"mensagem": {"Segue a procuração."}}, map[string]apptest.File{"poderes": {Name: "x.pdf", Content: []byte("nada")}})
	want(t, a, http.StatusUnprocessableEntity)
	if typed(labelled(t, a, "Mensagem para os serviços")) != "Segue a procuração." {
		t.Error("the message is lost with a bad document")
	}
	leads(t, p.Upload(t, at+"/responder", url.Values{"mensagem": {"Segue a procuração."}}, map[string]apptest.File{"poderes": document("procuração.pdf", id)}), at)
	says(t, p.Get(t, at), "Resposta recebida", "procuração.pdf")
}

func TestTheApplicantIsHeardBeforeARefusal(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	email := newAddress("sara")
	id := filed(t, p, six(email, newBody()))
	proven(t, p, email)
	rita := officer(t, app, coop)
	rita.Move(t, coop, id, "assumir", nil)
	a := rita.Move(t, coop, id, "audiencia", url.Values{"audiencia.codes": {"RA3"}, "audiencia.words": {"Não foi junta procuração nem ata que mostre os poderes."}})
	want(t, a, http.StatusSeeOther)
	at := "/cases/processos/" + id
	a = want(t, p.Get(t, at), http.StatusOK)
	sound(t, a)
	says(t, a, "Em audiência dos interessados", "RA3. Não foi comprovada a qualidade em que o requerente atua em nome da cooperativa.", "Não foi junta procuração nem ata que mostre os poderes.", "A pronúncia pode ser apresentada até")
	a = want(t, p.Post(t, at+"/pronuncia", url.Values{"pronuncia": {""}}), http.StatusUnprocessableEntity)
	sound(t, a)
	if summary(t, a)["pronuncia"] == "" {
		t.Errorf("the summary is %v", summary(t, a))
	}
	leads(t, p.Post(t, at+"/pronuncia", url.Values{"pronuncia": {"A ata de 12 de março, que foi registada, mostra os poderes da presidente."}}), at)
	says(t, p.Get(t, at), "Em apreciação", "Pronúncia recebida")
	want(t, p.Post(t, at+"/pronuncia", url.Values{"pronuncia": {"Outra vez, e mais uma vez, e mais outra."}}), http.StatusConflict)
}

func TestACaseIsWithdrawnByPostOnly(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id := filed(t, p, six(newAddress("sara"), newBody()))
	at := "/cases/processos/" + id
	a := want(t, p.Get(t, at+"/desistir"), http.StatusOK)
	sound(t, a)
	says(t, a, "Esta ação não pode ser anulada.")
	says(t, p.Get(t, at), "Por confirmar")
	leads(t, p.Post(t, at+"/desistir", nil), at)
	says(t, p.Get(t, at), "Desistência", "O requerente desistiu do pedido.")
	want(t, p.Post(t, at+"/desistir", nil), http.StatusConflict)
}

func TestTheDeclarationIsFilledInWithWhatWasTypedAndReadsNoneOfItAsMarkdown(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	values := first(newAddress("ana"))
	id := begun(t, p, values)
	at := "/ecce/processos/" + id
	hostile := `**Chefe** [clique](javascript:alert(1)) <script>alert(1)</script> # um _dois_`
	want(t, p.Post(t, at+"/guardar", url.Values{
		"entidade": {"590001019"}, "servico": {"Divisão"}, "cargo": {"tec_sup"}, "regime": {"vinculo"}, "sup_nome": {"José Exemplo d'Ávila"}, "sup_cargo": {hostile},
		"finalidade": {"assinatura_propria"}, "prova_funcao": {"superior_ficheiro"},
	}), http.StatusNoContent)
	a := want(t, p.Get(t, at+"/minutas/m1"), http.StatusOK)
	sound(t, a)
	says(t, a, "Ana Exemplo da Silva", "Inspeção-Geral de Exemplo", "José Exemplo d'Ávila", hostile)
	if n, blank := len(all(a.Page(t), "")), len(all(p.Get(t, "/ecce/minutas/m1").Page(t), "")); n != blank || strings.Contains(a.Body, `href="javascript`) {
		t.Errorf("what was typed became %d elements", n-blank)
	}
	if strings.Contains(a.Body, "ZZ4") {
		t.Error("a number that is not disclosed stands in the declaration")
	}
	want(t, p.Get(t, at+"/minutas/nenhuma"), http.StatusNotFound)
}
