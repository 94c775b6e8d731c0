package tour

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// shown makes a page of some HTML.
func shown(t testing.TB, text string) *page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return &page{at: &url.URL{Scheme: "http", Host: "localhost", Path: "/p/passo/1"}, status: 200, kind: "text/html", root: root}
}

const manyFields = `<html><body><header><form method="post" action="/sair"><button>Sair</button></form></header><main><h1>Um <b>passo</b></h1>
<form method="post" action="/p/passo/1" enctype="multipart/form-data">
<input type="hidden" name="revisao" value="r1">
<label for="a">A</label><input id="a" name="a" type="text" value="velho">
<textarea name="t">
primeira
segunda</textarea>
<select name="s"><option value="">Selecione</option><option value="um">Um</option><optgroup><option value="dois">Dois</option></optgroup></select>
<input type="radio" name="r" value="sim" checked><input type="radio" name="r" value="nao">
<input type="checkbox" name="c" value="x"><input type="checkbox" name="c" value="y"><input type="checkbox" name="only">
<input type="file" name="doc" multiple>
<input name="off" value="never" disabled>
<button type="button">Mostrar</button>
<button type="submit"><span>GRAVAR</span></button>
<button type="submit" name="do" value="guardar" formaction="/p/guardar">Guardar</button>
</form><form id="f2" method="get" action="/procurar"><input type="search" name="q"></form><input name="outside" value="1" form="f2">
</main></body></html>`

func TestAFormIsReadAsABrowserReadsIt(t *testing.T) {
	p := shown(t, manyFields)
	if got := p.heading(); got != "Um passo" {
		t.Errorf("the heading is %q", got)
	}
	f, ok := p.form("")
	if !ok || f.action != "/p/passo/1" {
		t.Fatal("the first form of the page's own part is not the one found")
	}
	button, ok := f.button("")
	if !ok || button.text != "GRAVAR" {
		t.Fatalf("the button that Enter presses is %+v", button)
	}
	want := "a=velho&r=sim&revisao=r1&s=&t=primeira%0Asegunda"
	if got := f.values(button).Encode(); got != want {
		t.Errorf("it would send %s, not %s", got, want)
	}
	keep, ok := f.button("guardar")
	if !ok || f.target(keep) != "/p/guardar" || f.values(keep).Get("do") != "guardar" {
		t.Error("a button with a name and an address of its own sends neither")
	}
	search := p.forms()[1]
	if !search.values(nil).Has("outside") {
		t.Error("a field outside its form, which names it, is not sent with it")
	}
}

func TestAFormIsFilledByName(t *testing.T) {
	f, _ := shown(t, manyFields).form("")
	answers := map[string][]string{"a": {"novo"}, "t": {"x", "y"}, "s": {"dois"}, "r": {"nao"}, "c": {"y"}, "only": {"on"}, "absent": {"z"}}
	files := map[string][]upload{"doc": {{"doc.pdf", "application/pdf", []byte("%PDF-")}}}
	answered, before := f.fill(answers, files)
	if before != "" {
		t.Errorf("it wants %q pressed first", before)
	}
	if slices.Contains(answered, "absent") || !slices.Contains(answered, "doc") {
		t.Errorf("it says it answered %v", answered)
	}
	want := "a=novo&c=y&only=on&r=nao&revisao=r1&s=dois&t=x%0Ay"
	if got := f.values(nil).Encode(); got != want {
		t.Errorf("it would send %s, not %s", got, want)
	}
	body, kind, err := f.encode(nil)
	if err != nil || !strings.HasPrefix(kind, "multipart/form-data") || !bytes.Contains(body, []byte(`filename="doc.pdf"`)) {
		t.Errorf("the file is not sent: %v %s", err, kind)
	}
}

func TestABodyIsSearchedForBeforeItIsChosen(t *testing.T) {
	answers := map[string][]string{"ent": {"699000017"}}
	search := `<form method="post" action="x"><input type="text" name="ent.procura" value=""><button name="do" value="procurar:ent">Procurar</button>%s<button>Seguinte</button></form>`
	f, _ := shown(t, strings.Replace(search, "%s", "", 1)).form("")
	if _, before := f.fill(answers, nil); before != "procurar:ent" || f.values(nil).Get("ent.procura") != "699000017" {
		t.Errorf("nothing found yet: it presses %q and sends %v", before, f.values(nil))
	}
	f, _ = shown(t, strings.Replace(search, "%s", `<input type="radio" name="ent" value="699000017">`, 1)).form("")
	if _, before := f.fill(answers, nil); before != "" || f.values(nil).Get("ent") != "699000017" {
		t.Errorf("found: it presses %q and sends %v", before, f.values(nil))
	}
}

func TestRowsAreFilledOneByOneAndMoreAreAskedFor(t *testing.T) {
	answers := map[string][]string{"o.n": {"Ana", "Rui", "Eva"}, "o.c": {"p", "q", "r"}}
	two := `<form method="post" action="x"><input name="o.n.0"><input name="o.c.0"><input name="o.n.1"><input name="o.c.1"><button name="do" value="linha:o">+</button><button>Seguinte</button></form>`
	f, _ := shown(t, two).form("")
	answered, before := f.fill(answers, nil)
	if before != "linha:o" || !slices.Contains(answered, "o.c.1") {
		t.Errorf("it presses %q, having answered %v", before, answered)
	}
	three := strings.Replace(two, "<button name", `<input name="o.n.2"><input name="o.c.2"><button name`, 1)
	f, _ = shown(t, three).form("")
	if _, before := f.fill(answers, nil); before != "" || f.values(nil).Get("o.n.2") != "Eva" {
		t.Errorf("all rows there: it presses %q and sends %v", before, f.values(nil))
	}
}

func TestAnOfficersFormIsAnsweredAnyhow(t *testing.T) {
	f, _ := shown(t, `<form method="post" action="x"><input type="radio" name="how" value="a"><input type="radio" name="how" value="b">
<input type="checkbox" name="codes" value="R1"><input type="checkbox" name="codes" value="R2"><select name="s"><option value=""></option><option value="v"></option></select>
<textarea name="words"></textarea><input name="day" aria-required="false"></form>`).form("")
	answerAnyhow(f)
	got := f.values(nil)
	if got.Get("how") != "a" || !slices.Equal(got["codes"], []string{"R1"}) || got.Get("s") != "v" || len(got.Get("words")) < 30 || got.Get("day") != "" {
		t.Errorf("it sends %v", got)
	}
}

func TestWhatThePageSaysIsWrongIsTold(t *testing.T) {
	p := shown(t, `<main><h1>Erro</h1><div role="alert"><h2>Existe 1 campo</h2><ul><li><a href="#a">NIPC: em falta</a></li></ul></div></main>`)
	if got := p.problems(); got != "Existe 1 campo NIPC: em falta" {
		t.Errorf("it tells %q", got)
	}
}

func FuzzForms(f *testing.F) {
	f.Add(manyFields)
	f.Add("<form><select><option><textarea><input name=a.1.2.3")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			t.Skip("pages of the player are bounded before they are read")
		}
		p := shown(t, text)
		_, _, _ = p.heading(), p.problems(), p.text()
		for _, one := range p.forms() {
			one.fill(map[string][]string{"a": {"x"}, "a.b": {"1", "2"}}, map[string][]upload{"doc": {{"d", "application/pdf", nil}}})
			answerAnyhow(one)
			if _, _, err := one.encode(nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}
