package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"chancela/internal/apptest"
)

func TestLookingAtAFormBeginsNothing(t *testing.T) {
	p := start(t).Person(t)
	for _, at := range []string{"/cases/novo/acesso", "/ecce/novo/acesso"} {
		a := want(t, p.Get(t, at), http.StatusOK)
		if len(a.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s leaves something behind", at)
		}
		if attr(formOf(t, a), "action") != at {
			t.Errorf("%s is sent to %s", at, attr(formOf(t, a), "action"))
		}
	}
	want(t, p.Get(t, "/cases/novo/nenhum"), http.StatusNotFound)
	want(t, p.Post(t, "/cases/novo/nenhum", nil), http.StatusNotFound)
}

func TestTheFirstWordsTypedBeginADraftThatComesBackAndCanBeErased(t *testing.T) {
	p := start(t).Person(t)
	values := url.Values{"denominacao": {"Cooperativa Exemplo, CRL"}}
	want(t, p.Post(t, "/cases/novo/acesso/guardar", values), http.StatusNoContent)
	values.Set("nome", "Sara")
	want(t, p.Post(t, "/cases/novo/acesso/guardar", values), http.StatusNoContent)
	again := want(t, p.Get(t, "/cases/novo/acesso"), http.StatusSeeOther)
	a := want(t, p.Get(t, again.Location()), http.StatusOK)
	if !strings.Contains(a.Body, "Cooperativa Exemplo, CRL") || !strings.Contains(a.Body, `value="Sara"`) {
		t.Error("what was typed did not come back")
	}
	id := caseIn(again.Location())
	leads(t, p.Get(t, "/cases/novo/acesso?cancelar=1"), "/cases/processos/"+id+"/cancelar")
	want(t, p.Post(t, "/cases/processos/"+id+"/cancelar", nil), http.StatusSeeOther)
	want(t, p.Get(t, "/cases/novo/acesso"), http.StatusOK)
	leads(t, p.Get(t, "/cases/novo/acesso?cancelar=1"), "/cases/")
}

func TestAFormOfOneStepSendsWithGravarAndSaysSo(t *testing.T) {
	p := start(t).Person(t)
	a := p.Get(t, "/cases/novo/acesso")
	if b := buttonOf(t, a, "GRAVAR"); attr(b, "name") != "" {
		t.Errorf("GRAVAR posts %v", b.Attr)
	}
	says(t, a, "Ao gravar, o pedido é enviado.")
	if to := hrefOf(t, a, "CANCELAR"); to != "/cases/novo/acesso?cancelar=1" {
		t.Errorf("CANCELAR of what was not begun leads to %s", to)
	}
	values := six(newAddress("sara"), newBody())
	values.Set("nipc", "1")
	a = want(t, p.Post(t, "/cases/novo/acesso", values), http.StatusUnprocessableEntity)
	if to := hrefOf(t, a, "CANCELAR"); !strings.HasSuffix(to, "/cancelar") || !strings.HasPrefix(to, "/cases/processos/") {
		t.Errorf("CANCELAR of a draft leads to %s", to)
	}
	buttonOf(t, a, "GRAVAR")
}

// buttonOf is the button of some words.
func buttonOf(t *testing.T, a apptest.Answer, words string) *html.Node {
	t.Helper()
	for _, n := range all(a.Page(t), "button") {
		if said(n) == words {
			return n
		}
	}
	t.Fatalf("no button says %q", words)
	return nil
}

func TestAFormThatIsWrongIsADraftThatOnlyItsBrowserHolds(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	values := six(newAddress("sara"), newBody())
	values.Set("telefone", "")
	a := want(t, p.Post(t, "/cases/novo/acesso", values), http.StatusUnprocessableEntity)
	to := attr(formOf(t, a), "action")
	if !strings.HasPrefix(to, "/cases/processos/") || !strings.HasSuffix(to, "/passo/1") {
		t.Fatalf("it goes on at %s", to)
	}
	if n := typed(labelled(t, p.Get(t, to), "Nome do responsável")); n != "Sara Exemplo" {
		t.Errorf("the draft holds %q", n)
	}
	other := app.Person(t)
	leads(t, other.Get(t, to), "/cases/?seguinte="+url.QueryEscape(to))
	leads(t, other.Post(t, to, values), "/cases/?seguinte="+url.QueryEscape(to))
	values.Set("telefone", "912 345 678")
	if b := p.Post(t, to, values); !strings.HasSuffix(b.Location(), "/recibo") {
		t.Errorf("mended, it leads to %d %s", b.Status, b.Location())
	}
	leads(t, p.Get(t, to), strings.TrimSuffix(to, "/passo/1"))
}

func TestALongFormGoesStepByStepAndBack(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id := begun(t, p, first(newAddress("ana")))
	here := "/ecce/processos/" + id + "/passo/"
	a := want(t, p.Get(t, here+"2"), http.StatusOK)
	sound(t, a)
	says(t, a, "Os seus dados", "Entidade", "Comprovativos", "Guardar e continuar", "Guardar rascunho", "Voltar")
	if !linked(t, a, here+"1") || linked(t, a, here+"3") {
		t.Error("one goes back to steps behind, and not on to those ahead")
	}
	leads(t, p.Post(t, here+"2", url.Values{"servico": {"Divisão"}, "do": {"anterior"}}), here+"1")
	leads(t, p.Post(t, here+"2", url.Values{"servico": {"Divisão de Exemplo"}, "do": {"guardar"}}), here+"2?guardado=1")
	a = p.Get(t, here+"2?guardado=1")
	says(t, a, "Rascunho guardado. Fica disponível até")
	if n := typed(labelled(t, a, "Serviço ou unidade orgânica")); n != "Divisão de Exemplo" {
		t.Errorf("kept: %q", n)
	}
	leads(t, p.Post(t, here+"2", url.Values{
		"entidade": {"590001019"}, "servico": {"Divisão"}, "localidade": {"Lisboa"},
	}), here+"3")
	for _, n := range []string{"0", "-1", "99", "x", "1e1", "%00"} {
		want(t, p.Get(t, here+n), http.StatusNotFound)
	}
	leads(t, p.Post(t, here+"1", first(newAddress("ana"))), here+"2")
}

func TestWhatIsTypedSavesItselfAsOneGoes(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	id := begun(t, p, first(newAddress("ana")))
	step := "/ecce/processos/" + id + "/passo/2"
	save := attr(formOf(t, p.Get(t, step)), "data-autosave")
	if save != "/ecce/processos/"+id+"/guardar" {
		t.Fatalf("it saves at %q", save)
	}
	a := want(t, p.Post(t, save, url.Values{"servico": {"Divisão"}}), http.StatusNoContent)
	if a.Body != "" {
		t.Errorf("says %q", a.Body)
	}
	if n := typed(labelled(t, p.Get(t, step), "Serviço ou unidade orgânica")); n != "Divisão" {
		t.Errorf("kept: %q", n)
	}
	if n := typed(labelled(t, p.Get(t, "/ecce/processos/"+id+"/passo/1"), "Nome completo")); n != "Ana Exemplo da Silva" {
		t.Errorf("what was not sent became %q", n)
	}
	want(t, p.Post(t, save, url.Values{"servico": {""}}), http.StatusNoContent)
	if n := typed(labelled(t, p.Get(t, step), "Serviço ou unidade orgânica")); n != "" {
		t.Errorf("emptied, it is still %q", n)
	}
	if a := app.Person(t).Post(t, save, url.Values{"servico": {"x"}}); a.Status < 300 || a.Status == http.StatusNoContent {
		t.Errorf("a stranger saves: %d", a.Status)
	}
}

func TestWhatWasFiledIsNotSavedOver(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id := filed(t, p, six(newAddress("sara"), newBody()))
	want(t, p.Post(t, "/cases/processos/"+id+"/guardar", url.Values{"nome": {"Outra Pessoa"}}), http.StatusConflict)
	says(t, p.Get(t, "/cases/processos/"+id), "Sara Exemplo")
}

// evidenceStep is the draft of a form whose fourth step asks for a document.
func evidenceStep(t *testing.T, p *apptest.Person) (id, at string) {
	t.Helper()
	id = begun(t, p, first(newAddress("ana")))
	here := "/ecce/processos/" + id
	want(t, p.Post(t, here+"/guardar", url.Values{
		"entidade": {"590001019"}, "servico": {"Divisão"}, "localidade": {"Lisboa"}, "cargo": {"tec_sup"}, "regime": {"vinculo"}, "funcao_desde": {"01/03/2020"},
		"sem_termo": {"true"}, "sup_nome": {"José Exemplo d'Ávila"}, "sup_cargo": {"Chefe de divisão"}, "sup_email": {"jose.exemplo@igex.exemplo.pt"},
		"motivo": {"Pedido de Certificados de assinatura qualificada"}, "finalidade": {"assinatura_propria", "sitios_web"}, "prova_funcao": {"superior_ficheiro"},
	}), http.StatusNoContent)
	for _, n := range []string{"1", "2", "3", "4", "5", "6"} {
		if documents, _ := p.Get(t, here+"/passo/"+n).Fields(t); len(documents) > 0 {
			return id, here + "/passo/" + n
		}
	}
	t.Fatal("no step asks for a document")
	return "", ""
}

func TestADocumentSentIsKeptWhenTheFormComesBack(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id, here := evidenceStep(t, p)
	a := p.Get(t, here)
	sound(t, a)
	if n := labelled(t, a, "Declaração do superior hierárquico"); attr(n, "type") != "file" || attr(n, "accept") != "application/pdf,image/png,image/jpeg" {
		t.Errorf("%v", n.Attr)
	}
	says(t, a, "PDF, PNG, JPEG, até 10 MB cada e 40 MB por processo.", "Descarregar a minuta preenchida")
	paper := document("declaração do superior.pdf", id)
	a = p.Upload(t, here, url.Values{"prova_funcao": {"superior_ficheiro"}}, map[string]apptest.File{"fich_superior": paper})
	want(t, a, http.StatusUnprocessableEntity) // the other document is missing
	sound(t, a)
	if lines := summary(t, a); len(lines) != 1 || lines["fich_tecnicos_web"] == "" {
		t.Errorf("the summary is %v", lines)
	}
	sum := sha256.Sum256(paper.Content)
	digest := strings.Join(strings.Fields(a.Text(t)), "")
	if !strings.Contains(digest, hex.EncodeToString(sum[:])) && !strings.Contains(strings.ToLower(digest), hex.EncodeToString(sum[:])) {
		t.Error("the digest of what was sent is not shown")
	}
	says(t, a, "declaração do superior.pdf")
	if n := labelled(t, a, "Declaração do superior hierárquico"); attr(n, "aria-required") != "false" {
		t.Error("it is asked for again")
	}
	a = p.Upload(t, here, url.Values{"prova_funcao": {"superior_ficheiro"}}, map[string]apptest.File{"fich_tecnicos_web": document("lista.pdf", id+"2")})
	if a.Status != http.StatusSeeOther {
		t.Errorf("with both documents: %d %s", a.Status, a.Text(t))
	}
	says(t, p.Get(t, here), "declaração do superior.pdf", "lista.pdf")
}

func TestADocumentIsTakenOutAgain(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	id, here := evidenceStep(t, p)
	a := p.Upload(t, here, url.Values{"prova_funcao": {"superior_ficheiro"}}, map[string]apptest.File{"fich_superior": document("engano.pdf", id)})
	out := ""
	for _, n := range all(a.Page(t), "button") {
		if to := attr(n, "formaction"); strings.Contains(to, "/retirar/") {
			out = to
		}
	}
	if out == "" {
		t.Fatal("no way out for the document")
	}
	if b := app.Person(t).Post(t, out, nil); b.Status < 300 {
		t.Errorf("a stranger takes it out: %d", b.Status)
	}
	want(t, p.Get(t, out), http.StatusMethodNotAllowed)
	leads(t, p.Post(t, out, nil), here+"#campo-fich_superior")
	if p.Get(t, here).Says(t, "engano.pdf") {
		t.Error("it is still there")
	}
}

func TestADocumentThatIsNotTakenSaysWhyAndTheWordsAreKept(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id, here := evidenceStep(t, p)
	for name, one := range map[string]struct {
		file apptest.File
		says string
	}{
		"a program called a PDF": {apptest.File{Name: "declaracao.pdf", Content: []byte("MZ\x90\x00 not a PDF at all")}, "Só são aceites ficheiros"},
		"a page":                 {apptest.File{Name: "x.html", Type: "text/html", Content: []byte("<script>alert(1)</script>")}, "Só são aceites ficheiros"},
		"nothing":                {apptest.File{Name: "vazio.pdf"}, "O ficheiro está vazio."},
		"too large":              {apptest.File{Name: "grande.pdf", Content: append(document("", "").Content, bytes.Repeat([]byte{'%'}, 10<<20+1)...)}, "O ficheiro excede o limite de 10 MB."},
	} {
		t.Run(name, func(t *testing.T) {
			a := p.Upload(t, here, url.Values{"prova_funcao": {"superior_ficheiro"}, "dre_razao": {id}}, map[string]apptest.File{"fich_superior": one.file})
			want(t, a, http.StatusUnprocessableEntity)
			sound(t, a)
			if !strings.Contains(beside(t, a, "fich_superior"), one.says) || !strings.Contains(summary(t, a)["fich_superior"], one.says) {
				t.Errorf("beside: %q; in the summary: %q", beside(t, a, "fich_superior"), summary(t, a)["fich_superior"])
			}
			if one.file.Name != "" && strings.Contains(a.Body, `files__name`) {
				t.Error("it is listed as sent")
			}
		})
	}
}

func TestWhatIsTooLargeGetsAPageAndLeavesNothingOnDisk(t *testing.T) {
	app := start(t)
	p := app.Person(t)
	_, here := evidenceStep(t, p)
	before := filesIn(t, app)
	body, boundary := io.Pipe()
	go func() {
		_, _ = io.WriteString(boundary, "--b\r\nContent-Disposition: form-data; name=\"prova_funcao\"\r\n\r\nsuperior_ficheiro\r\n")
		chunk := bytes.Repeat([]byte{'%'}, 1<<20)
		for range 9 {
			_, _ = io.WriteString(boundary, "--b\r\nContent-Disposition: form-data; name=\"fich_superior\"; filename=\"a.bin\"\r\n\r\n")
			for range 9 {
				if _, err := boundary.Write(chunk); err != nil {
					return
				}
			}
			_, _ = io.WriteString(boundary, "\r\n")
		}
		_, _ = io.WriteString(boundary, "--b--\r\n")
		_ = boundary.Close()
	}()
	a := want(t, p.Do(t, http.MethodPost, here, "multipart/form-data; boundary=b", body), http.StatusRequestEntityTooLarge)
	sound(t, a)
	says(t, a, "Envio demasiado grande", "O envio excede o limite de 64 MB. Os campos preenchidos foram guardados.")
	if after := filesIn(t, app); after != before {
		t.Errorf("%d files before, %d after", before, after)
	}
	a = p.Get(t, here)
	if n := byID(a.Page(t), "campo-prova_funcao"); n == nil || !strings.Contains(a.Body, `value="superior_ficheiro" checked`) {
		t.Error("the words that came before are lost")
	}
}

// filesIn counts the documents on disk.
func filesIn(t *testing.T, app *apptest.App) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(app.Data, "documents"), func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTooManyWordsGetAPage(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Post(t, "/cases/novo/acesso", url.Values{"nome": {strings.Repeat("a", 3<<20)}}), http.StatusRequestEntityTooLarge)
	sound(t, a)
	says(t, a, "O envio excede o limite de 2 MB.")
}

func TestAFormThatCannotBeReadGetsAPage(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	_, here := evidenceStep(t, p)
	for _, one := range [][2]string{
		{"multipart/form-data", "x"}, {"multipart/form-data; boundary=b", "--b\r\nnothing"}, {"application/x-www-form-urlencoded", "a=%zz"},
	} {
		a := p.Do(t, http.MethodPost, here, one[0], strings.NewReader(one[1]))
		want(t, a, http.StatusUnprocessableEntity)
		sound(t, a)
		says(t, a, "Não foi possível ler o formulário enviado.")
	}
	a := p.Upload(t, here, nil, map[string]apptest.File{"nenhum_campo": document("x.pdf", "x")})
	refusedByName(t, here, a, "nenhum_campo")
	if a = p.Get(t, here); !strings.Contains(a.Body, `value="superior_ficheiro" checked`) {
		t.Error("what did not arrive is read as emptied")
	}
}

func TestWhatASignedInPersonAsksForIsBegunByPost(t *testing.T) {
	t.Parallel()
	app := start(t)
	rita := officer(t, app, coop)
	sara := member(t, app, rita)
	stranger := app.Person(t)
	leads(t, stranger.Get(t, "/cases/novo/credencial"), "/cases/?seguinte="+url.QueryEscape("/cases/novo/credencial"))
	leads(t, stranger.Post(t, "/cases/novo/credencial", nil), "/cases/?seguinte="+url.QueryEscape("/cases/novo/credencial"))
	leads(t, rita.Get(t, "/cases/novo/credencial"), "/cases/?seguinte="+url.QueryEscape("/cases/novo/credencial"))
	a := want(t, sara.Get(t, "/cases/novo/credencial"), http.StatusOK)
	sound(t, a)
	says(t, a, "A lista de documentos depende do tipo de pedido")
	if sara.Get(t, "/cases/processos").Says(t, "Rascunho") {
		t.Error("looking began a draft")
	}
	a = want(t, sara.Post(t, attr(formOf(t, a), "action"), nil), http.StatusSeeOther)
	a = want(t, sara.Get(t, a.Location()), http.StatusOK)
	sound(t, a)
	says(t, a, "Cooperativa Exemplo, CRL", "Sara Exemplo")
	if byID(a.Page(t), "campo-denominacao") != nil {
		t.Error("what comes from the register can be typed over")
	}
	says(t, sara.Get(t, "/cases/processos"), "Rascunho")
}

func TestRowsAreAddedWithoutScriptAndKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	app := start(t)
	sara := member(t, app, officer(t, app, coop))
	a := sara.Post(t, "/cases/novo/credencial", nil)
	here := strings.TrimSuffix(a.Location(), "1")
	step := ""
	for _, n := range []string{"1", "2", "3", "4"} {
		if strings.Contains(sara.Get(t, here+n).Body, `name="orgaos.nome.0"`) {
			step = here + n
		}
	}
	if step == "" {
		t.Fatal("no step asks for rows")
	}
	a = sara.Post(t, step, url.Values{
		"orgaos.nome.0": {"Maria Exemplo da Silva"}, "orgaos.nome.1": {"José Exemplo"}, "orgaos.nome.2": {""},
		"orgaos.orgao.0": {"mesa"}, "orgaos.orgao.1": {""}, "orgaos.orgao.2": {""},
		"orgaos.mandato_inicio.0": {"02/01/2026"}, "orgaos.mandato_inicio.1": {"31/02/2026"}, "orgaos.mandato_inicio.2": {""},
		"do": {"linha:orgaos"},
	})
	want(t, a, http.StatusSeeOther)
	if !strings.HasSuffix(a.Location(), "#campo-orgaos") {
		t.Errorf("leads to %s", a.Location())
	}
	to, _, _ := strings.Cut(a.Location(), "#")
	a = want(t, sara.Get(t, to), http.StatusOK)
	sound(t, a)
	page := a.Page(t)
	if byID(page, "campo-orgaos.nome.3") == nil || byID(page, "campo-orgaos.nome.4") != nil {
		t.Error("not one row more")
	}
	for id, value := range map[string]string{
		"orgaos.nome.0": "Maria Exemplo da Silva", "orgaos.nome.1": "José Exemplo", "orgaos.orgao.0": "mesa", "orgaos.mandato_inicio.0": "02/01/2026", "orgaos.mandato_inicio.1": "31/02/2026",
	} {
		if n := byID(page, "campo-"+id); n == nil || typed(n) != value {
			t.Errorf("%s is not %q", id, value)
		}
	}
	a = want(t, sara.Get(t, strings.Split(to, "?")[0]+"?ver=1"), http.StatusOK)
	for name := range summary(t, a) { // each leads to a cell or to the question: summary() asks that it is there
		if strings.HasPrefix(name, "orgaos.mandato_inicio.1") {
			return
		}
	}
	t.Errorf("a day that there is not is not told beside its row: %v", summary(t, a))
}
