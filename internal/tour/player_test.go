package tour

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"chancela/internal/portal"
)

// stage is a place with one button, which counts how often it was pressed; an answer can be lost.
type stage struct {
	pressed int
	lose    int // how many answers are lost: 1 before the deed, 2 after it, 0 none
	heading string
	gone    bool // nobody answers anything
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.gone {
		panic(http.ErrAbortHandler)
	}
	lost := s.lose
	if r.Method == http.MethodPost {
		s.lose = 0
		if lost == 1 {
			panic(http.ErrAbortHandler)
		}
		s.pressed++
		if lost == 2 {
			panic(http.ErrAbortHandler)
		}
		http.Redirect(w, r, "/p/done", http.StatusSeeOther)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch {
	case r.URL.Path == "/p/done":
		_, _ = w.Write([]byte("<main><h1>" + s.heading + "</h1></main>"))
	case s.pressed > 0:
		w.WriteHeader(http.StatusGone)
		_, _ = w.Write([]byte("<main><h1>Já usada</h1></main>"))
	default:
		_, _ = w.Write([]byte(`<main><h1>Confirmar</h1><form method="post" action="/p/link"><button>Confirmar</button></form></main>`))
	}
}

// onStage gives a player and a person before a stage; a lost answer is followed by a revival.
func onStage(t *testing.T, s http.Handler) (*Player, *person, *int) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	revived := 0
	child := &Child{Base: base, Data: t.TempDir(), Revive: func(context.Context) error { revived++; return nil }}
	p, err := NewPlayer(child, Script{Portal: "p", Tour: portal.Tour{People: map[string]portal.TourPerson{"ana": {Email: "ana@exemplo.pt"}}}}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return p, p.people["ana"], &revived
}

func TestAPressWhoseAnswerWasLostIsLookedAfterAndNotRepeatedIfItWasDone(t *testing.T) {
	for lose, want := range map[int]int{0: 0, 1: 1, 2: 1} {
		s := &stage{lose: lose, heading: "Confirmado"}
		p, w, revived := onStage(t, s)
		err := p.insist(t.Context(), func() error { return p.press(t.Context(), w, "/p/link", "", nil) })
		if err != nil || s.pressed != 1 || *revived != want {
			t.Errorf("lost at %d: %v; done %d times, revived %d times", lose, err, s.pressed, *revived)
		}
	}
}

// TestADraftThatWasSentBeforeTheCrashIsNotGoneOnWith: it is a case by then, and its page has a form of its own that
// nobody meant to press.
func TestADraftThatWasSentBeforeTheCrashIsNotGoneOnWith(t *testing.T) {
	sent, taken, lost := false, 0, 0
	show := func(w http.ResponseWriter, form string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<main><h1>Pedido</h1>" + form + "</main>"))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /p/novo/acesso", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/p/processos/x1/rever", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /p/processos/x1/rever", func(w http.ResponseWriter, r *http.Request) {
		if sent {
			http.Redirect(w, r, "/p/processos/x1", http.StatusSeeOther)
			return
		}
		show(w, `<form method="post" action="/p/processos/x1/submeter"><button>Submeter</button></form>`)
	})
	mux.HandleFunc("POST /p/processos/x1/submeter", func(http.ResponseWriter, *http.Request) {
		sent = true
		lost++
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("GET /p/processos/x1", func(w http.ResponseWriter, _ *http.Request) {
		show(w, `<form method="post" action="/p/processos/x1/desistir"><button>Desistir</button></form>`)
	})
	mux.HandleFunc("POST /p/processos/x1/desistir", func(w http.ResponseWriter, r *http.Request) {
		taken++
		http.Redirect(w, r, "/p/processos/x1", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /p/processos/x1/recibo", func(w http.ResponseWriter, _ *http.Request) { show(w, "") })
	p, w, revived := onStage(t, mux)
	act := portal.TourAct{Procedure: "acesso"}
	if err := p.insist(t.Context(), func() error { return p.file(t.Context(), 0, act, w) }); err != nil || taken != 0 || lost != 1 || *revived != 1 || p.caseID != "x1" {
		t.Errorf("%v; withdrawn %d times, sent %d times, revived %d times, case %q", err, taken, lost, *revived, p.caseID)
	}
}

// A stranger's tool asks by itself for the status of what it judges. Killed then, the program gave no answer, and the
// tool's verdict was taken for one about the document.
func TestAVerdictGivenWhileTheInstanceWasGoneIsAskedForAgain(t *testing.T) {
	s := &stage{gone: true}
	p, w, _ := onStage(t, s)
	revived, asked := 0, 0
	p.child.Revive = func(context.Context) error { revived++; s.gone = false; return nil }
	judge := p.judged(func(context.Context, int, portal.TourAct, *person) error {
		asked++
		if s.gone {
			return errors.New("certificate of unknown status")
		}
		return nil
	})
	if err := p.insist(t.Context(), func() error { return judge(t.Context(), 0, portal.TourAct{}, w) }); err != nil || asked != 2 || revived != 1 {
		t.Errorf("%v; asked %d times, revived %d times", err, asked, revived)
	}
	refused := errors.New("the seal is broken")
	judge = p.judged(func(context.Context, int, portal.TourAct, *person) error { return refused })
	if err := p.insist(t.Context(), func() error { return judge(t.Context(), 0, portal.TourAct{}, w) }); !errors.Is(err, refused) || revived != 1 {
		t.Errorf("while the instance answers, the verdict stands: %v, revived %d times", err, revived)
	}
}

func TestALinkThatWasUsedBySomebodyElseIsNoSuccess(t *testing.T) {
	s := &stage{pressed: 1}
	p, w, _ := onStage(t, s)
	if err := p.press(t.Context(), w, "/p/link", "", nil); err == nil || !strings.Contains(err.Error(), "Já usada") {
		t.Errorf("a link that does not open is told with what the page says: %v", err)
	}
}

func TestWhatWasShownBeforeACrashMustBeThereAfterIt(t *testing.T) {
	s := &stage{heading: "Confirmado"}
	p, w, _ := onStage(t, s)
	if err := p.press(t.Context(), w, "/p/link", "", nil); err != nil {
		t.Fatal(err)
	}
	if err := w.sawAgain(t.Context()); err != nil {
		t.Errorf("it is still there: %v", err)
	}
	s.heading = "Por confirmar"
	lost := true
	err := p.insist(t.Context(), func() error {
		if lost {
			lost = false
			return errLost
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "before the crash") {
		t.Errorf("what was acknowledged is gone, and nothing is told: %v", err)
	}
}

func TestALostAnswerIsAnErrorWhereNobodyRevives(t *testing.T) {
	s := &stage{lose: 1}
	p, w, _ := onStage(t, s)
	p.child.Revive = nil
	if err := p.insist(t.Context(), func() error { return p.press(t.Context(), w, "/p/link", "", nil) }); !errors.Is(err, errLost) {
		t.Errorf("told as %v", err)
	}
}

func TestABrowserNeverLeavesTheInstance(t *testing.T) {
	p, w, _ := onStage(t, &stage{})
	p.child.Revive = nil
	if err := w.open(t.Context(), "http://portal.exemplo.pt/"); err == nil || !strings.Contains(err.Error(), "leads out") {
		t.Errorf("it went there: %v", err)
	}
}

func TestNoMailIsWaitedForOnceTheInstanceIsGone(t *testing.T) {
	ended := make(chan struct{})
	close(ended)
	m := &mailbox{dir: t.TempDir(), opened: map[string]bool{}, wait: time.Hour, ended: func() <-chan struct{} { return ended }}
	if _, err := m.await(t.Context(), "ana@exemplo.pt", "a mail", codeIn); !errors.Is(err, errLost) {
		t.Errorf("told as %v", err)
	}
}

func TestAMailThatCameTwiceIsFound(t *testing.T) {
	c := &Child{Data: t.TempDir()}
	dir := filepath.Join(c.Data, "outbox", "mail")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{proofMail, strings.Replace(proofMail, "<m1", "<m2", 1), strings.Replace(strings.Replace(proofMail, "<m1", "<m3", 1), "012345", "543210", 1)} {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".eml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doubled, err := Doubled(c)
	if err != nil || len(doubled) != 1 || !strings.Contains(doubled[0], "Número 12") {
		t.Errorf("found %v (%v); the same words came twice, and once with another code", doubled, err)
	}
}

func TestScriptsAreReadStrictlyAndReplaced(t *testing.T) {
	with := func(tour string) fstest.MapFS {
		return fstest.MapFS{"p/portal.yaml": {Data: []byte("x")}, "p/tour.yaml": {Data: []byte(tour)}}
	}
	one, two := with("acts:\n  - do: file\n"), with("acts:\n  - do: prove\n")
	scripts, err := Scripts(one, two)
	if err != nil || len(scripts) != 1 || scripts[0].Acts[0].Do != "prove" {
		t.Errorf("a later source replaces: %v %v", scripts, err)
	}
	if _, err := Scripts(with("acts:\n  - doo: file\n")); err == nil || !strings.Contains(err.Error(), "p/tour.yaml:2") {
		t.Errorf("a mistake names file and line: %v", err)
	}
}

func TestATourIsKeptInAnEmptyDirectoryOnly(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := workplace(dir); err != nil {
		t.Errorf("an empty one: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := workplace(dir); err == nil {
		t.Error("one that holds something is taken")
	}
}
