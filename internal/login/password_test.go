package login

import (
	"context"
	"strings"
	"sync"
	"testing"

	"chancela/internal/fault"
)

func TestJudgeAsksForLengthAndNothingElse(t *testing.T) {
	context := contextWords([]string{"Ana Exemplo Figueira", "ana.figueira@camara.exemplo.pt", "Cooperativa Flor da Serra, CRL", "Portal de Credenciação"})
	for password, want := range map[string]string{
		good:                        "",
		better:                      "",
		"gaivotas torradas marmelo": "",
		"Xk7#pQ2!vR9zLm4":           "",
		"ção ñandú über straße":     "",
		"桜の木の下で猫が静かに眠っている夜":                   "",
		"\x00nul\x00bytes are good too":       "",
		"fourteen chars":                      "pass.short",
		"ããããããã":                             "pass.short",
		"passwordpassword":                    "pass.common",
		"password123456789":                   "pass.common",
		"P@ssw0rdP@ssw0rd":                    "pass.common",
		"palavrapasse2026":                    "pass.common",
		"Palavra-Passe-123":                   "pass.common",
		"benficabenfica1904":                  "pass.common",
		"123456789012345":                     "pass.common",
		"qwertyuiopasdfghjkl":                 "pass.common",
		"aaaaaaaaaaaaaaaaaaaa":                "pass.common",
		"abababababababab":                    "pass.common",
		"               ":                     "pass.common",
		"lagutroplagutrop":                    "pass.common", // backwards
		"anaexemplofigueira":                  "pass.context",
		"Figueira-Exemplo-1":                  "pass.context",
		"cooperativaflordaserra":              "pass.common",
		"ana.figueira@camara.exemplo.pt":      "pass.context",
		strings.Repeat("a gaivota come ", 69): "pass.long",
		"broken \xff\xfe bytes in here":       "pass.characters",
	} {
		_, err := judge(password, context)
		if want == "" {
			if err != nil {
				t.Errorf("%q is refused: %v", password, err)
			}
			continue
		}
		problem(t, err, want)
	}
}

// A18: a mebibyte, a hundred thousand combining marks: looked at no further than the limit.
func TestNormalLimitsBeforeItWorks(t *testing.T) {
	for name, typed := range map[string]string{"a mebibyte": strings.Repeat("x", 1<<20), "combining marks": "a" + strings.Repeat("\u0301", 100_000)} {
		if _, ok := normal(typed); ok {
			t.Errorf("%s is taken", name)
		}
	}
	composed, _ := normal("palavra-passe da avó")
	apart, _ := normal("palavra-passe da avo\u0301")
	if composed != apart {
		t.Error("two keyboards' accents are two passwords")
	}
	long := strings.Repeat("k", maxPassword)
	if _, ok := normal(long); !ok {
		t.Error("1 KiB is refused")
	}
}

func TestHashReadsBackAndIsExact(t *testing.T) {
	o := newOven()
	a, err := o.hash(t.Context(), strings.Repeat("k", 80)+"a", hashed{})
	must(t, err)
	back, err := parsePHC(a.phc())
	if err != nil || !back.sameOven(a) || !equal(back.sum, a.sum) {
		t.Fatalf("read back %+v: %v", back, err)
	}
	// A18: no cut after 72 bytes.
	b, err := o.hash(t.Context(), strings.Repeat("k", 80)+"b", a)
	must(t, err)
	if !b.sameOven(a) || equal(a.sum, b.sum) {
		t.Error("the end of a long password does not count")
	}
}

// A19: more sign-ins at once than there is room for are told to come again, and take no memory.
func TestOvenBoundsWhatIsComputedAtOnce(t *testing.T) {
	o := &oven{slots: make(chan struct{}, 1), waiting: make(chan struct{}, 2)}
	o.slots <- struct{}{} // somebody's hash is being computed
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() { _, _ = o.bake(ctx, "x", o.nobody()) })
	}
	for len(o.waiting) < 2 {
		// both are on their way to the queue
	}
	_, err := o.bake(t.Context(), "x", o.nobody())
	if e, ok := fault.As(err); !ok || e.Kind != fault.Unavailable || e.Retry <= 0 {
		t.Errorf("the third is told %v", err)
	}
	cancel() // who gives up leaves the queue
	wait.Wait()
	if len(o.waiting) != 0 || o.baked.Load() != 0 {
		t.Errorf("%d wait, %d computed", len(o.waiting), o.baked.Load())
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdA$AAAA")
	f.Add("$argon2i$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		if h.memory > 1<<18 || h.passes > 16 || h.lanes > 8 || h.phc() != s {
			t.Errorf("%q is read as %+v", s, h)
		}
	})
}

func FuzzDevice(f *testing.F) {
	f.Add(agent)
	f.Add(strings.Repeat("Chrome/", 10_000))
	f.Fuzz(func(t *testing.T, s string) {
		if d := device(s); len(d) > 20 || strings.ContainsAny(d, "<>\n\r") {
			t.Errorf("device %q", d)
		}
	})
}
