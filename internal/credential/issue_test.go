package credential_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/blob"
	"chancela/internal/credential"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

func TestApprovalBecomesASealedFile(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		g := k.asking("c1")
		proposal := k.propose(g)
		if len(proposal.Problems) > 0 || len(proposal.Digest) != 64 {
			t.Fatalf("proposal %+v", proposal)
		}
		v := k.issued(g)
		if v.State != credential.Valid || v.Standing != credential.Valid || v.Number != "2026/000001" || v.Subject != proposal.Digest {
			t.Errorf("view %+v", v)
		}
		if lastMoment := time.Date(2027, 5, 31, 22, 59, 59, 999999000, time.UTC); !v.ValidUntil.Equal(lastMoment) {
			t.Errorf("valid until %s", v.ValidUntil)
		}
		name, pdf, err := k.PDF(t.Context(), person("ana"), v.ID)
		must(t, err)
		if name != "titulo-2026-000001.pdf" || len(pdf) < 1000 {
			t.Errorf("%s of %d bytes", name, len(pdf))
		}
		path := k.file(v.ID)
		holds(t, judge(t, "pdfsig", "-no-ocsp", "-nssdir", "sql:"+k.trust(), path),
			"Signature is Valid", "Certificate is Trusted", "ETSI.CAdES.detached", "Total document signed", "Selo da Entidade de Exemplo")
		text := strings.Join(strings.Fields(judge(t, "pdftotext", "-layout", path, "-")), " ")
		holds(t, text, "n.º 2026/000001", "Cooperativa d’Água {year}, CRL", "590 000 012", "Cultura; Serviços", "12 de março de 1987",
			"Certifica-se o exercício de 2025 de Cooperativa d’Água {year}, CRL.", "31 de maio de 2027", "4 de maio de 2026", "Rui Inventado",
			"Direção", v.Code, "https://portal.exemplo.pt/verificar/"+v.Code, "INSTALAÇÃO DE TESTE", "EXEMPLO/2026/000001")
		if strings.Contains(text, "Observação") {
			t.Error("a line without an answer is printed")
		}
		letters := k.post.of(portal.CredentialIssued)
		if len(letters) != 1 || letters[0].To.Address != "ana@exemplo.pt" || letters[0].Values["code"] != v.Code ||
			letters[0].Values["until"] != "31 May 2027" || letters[0].Values["year"] != "2025" || letters[0].Page != "titulos/"+string(v.ID) {
			t.Errorf("letters %+v", letters)
		}
		if k.audited("credential.grant") != 1 || k.audited("credential.issue") != 1 || k.audited("seal.sign") != 1 {
			t.Error("the record of deeds lacks the grant, the seal or the issue")
		}
	})
}

func TestEachWordThatIsPrintedChangesTheDigest(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		seen := map[string]string{k.propose(k.asking("c1")).Digest: "the usual"}
		different := func(why string, g portal.Grant) {
			digest := k.propose(g).Digest
			if before, same := seen[digest]; same {
				t.Errorf("%s has the digest of %s", why, before)
			}
			seen[digest] = why
		}
		different("another name", k.asking("c1", "called", "Outra, CRL"))
		different("another number", k.asking("c1", "taxno", "590000020"))
		different("another year", k.asking("c1", "about", "2024"))
		different("another date", k.asking("c1", "began", "1987-03-13"))
		different("another case", k.asking("c2"))
		revised := k.asking("c1")
		revised.Revision = "r2"
		different("another revision", revised)
		k.p.Procedures[0] = procedure(t, desk, strings.Replace(usual, "inventada", "imaginada", 1))
		different("another purpose", k.asking("c1"))
		k.p.Body.Address = "Outra rua, 2"
		different("another address of the issuer", k.asking("c1"))
	})
}

func TestWhatStandsInTheWayOfAnApproval(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		for _, c := range []struct {
			key   string
			pairs []string
		}{
			{"credential.problem.past", []string{"about", "2023"}},
			{"credential.problem.no-year", []string{"about", ""}},
			{"credential.problem.no-body", []string{"taxno", ""}},
			{"credential.problem.unprintable", []string{"called", "Cooperativa 協同, CRL"}},
			{"credential.problem.unprintable", []string{"remark", "a\u202eb"}},
		} {
			g := k.asking("c1", c.pairs...)
			if p := k.propose(g); len(p.Problems) != 1 || p.Problems[0] != c.key {
				t.Errorf("%v: problems %v, want %s", c.pairs, p.Problems, c.key)
			}
			refused(t, k.approve(g, officer("rui")), fault.Conflict, c.key)
		}
		k.p.Body.NIPC = ""
		refused(t, k.approve(k.asking("c1"), officer("rui")), fault.Conflict, "credential.problem.no-seal")
		if k.count(`SELECT count(*) FROM credential`) != 0 || k.count(`SELECT count(*) FROM credential_number`) != 0 || k.audited("credential.grant") != 0 {
			t.Error("a refused grant left something")
		}
	})
}

// E01.
func TestApprovedTwiceIsIssuedOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		g := k.asking("c1")
		var wait sync.WaitGroup
		errs := make([]error, 4)
		for i, who := range []string{"rui", "eva", "rui", "eva"} {
			wait.Go(func() { errs[i] = k.approve(g, officer(who)) })
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d approvals won", won)
		}
		for range 3 {
			wait.Go(func() {
				if _, err := k.Work(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if k.files() != 1 || len(k.post.of(portal.CredentialIssued)) != 1 || k.audited("credential.issue") != 1 || k.count(`SELECT count(*) FROM credential`) != 1 {
			t.Error("more than one file, letter or entry")
		}
		holds(t, judge(t, "pdfsig", "-nssdir", "sql:"+k.trust(), k.file(k.of("c1").ID)), "Signature is Valid")
	})
}

type crashed string

// F01, D07: the process ends at each point; the next one finishes the work, and nothing is doubled.
func TestCrashAtAnyPointLosesAndDoublesNothing(t *testing.T) {
	for _, point := range credential.CrashPoints() {
		t.Run(point, func(t *testing.T) {
			each(t, func(t *testing.T, k *kit) {
				must(t, k.approve(k.asking("c1"), officer("rui")))
				k.crash = func(at string) {
					if at == point {
						panic(crashed(at))
					}
				}
				func() {
					defer func() {
						if recover() != crashed(point) {
							t.Fatalf("did not come to %s", point)
						}
					}()
					_, _ = k.Work(t.Context())
				}()
				k.crash = nil
				k.clock.set(begin.Add(time.Minute)) // the next process starts later, and claims the time that was fixed
				k.restart()
				_, err := k.Work(t.Context())
				must(t, err)
				v := k.of("c1")
				if v.State != credential.Valid || !v.SealedAt.Equal(begin) || len(k.post.of(portal.CredentialIssued)) != 1 || k.audited("credential.issue") != 1 {
					t.Errorf("%s, sealed at %s, %d letters", v.State, v.SealedAt, len(k.post.of(portal.CredentialIssued)))
				}
				seals := 1
				if point == "credential.sealed" { // what was given and not kept was lost; it was for the same bytes
					seals = 2
				}
				if n := k.count(`SELECT count(*) FROM ca_seal`); n != seals {
					t.Errorf("the seal was used %d times", n)
				}
				if n := k.count(`SELECT count(DISTINCT digest) FROM ca_seal`); n != 1 {
					t.Errorf("%d different documents were sealed", n)
				}
				swept, err := k.Sweep(t.Context(), time.Now().Add(2*time.Hour))
				must(t, err)
				if orphan := point == "credential.stored"; orphan != (swept == 1) || k.files() != 1 {
					t.Errorf("%d files swept, %d left", swept, k.files())
				}
				holds(t, judge(t, "pdfsig", "-nssdir", "sql:"+k.trust(), k.file(v.ID)), "Signature is Valid")
			})
		})
	}
}

func TestAYoungFileIsNotSwept(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		_, err := k.store.Put(t.Context(), strings.NewReader("a moment ago"), 100)
		must(t, err)
		if n, err := k.Sweep(t.Context(), time.Now()); n != 0 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		if n, err := k.Sweep(t.Context(), time.Now().Add(2*time.Hour)); n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

// The program's words changed between the seal and the file: the seal that was kept does not fit, and another is asked.
func TestASealThatDoesNotFitIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.approve(k.asking("c1"), officer("rui")))
		whole := k.store
		k.store = full{whole}
		k.restart()
		if _, err := k.Work(t.Context()); !errors.Is(err, errFull) {
			t.Fatalf("a full disk gave %v", err)
		}
		k.store, k.notice = whole, "OUTRO AVISO"
		k.restart()
		if _, err := k.Work(t.Context()); err == nil {
			t.Error("a seal of other words was taken")
		}
		n, err := k.Work(t.Context())
		must(t, err)
		if n != 1 || k.of("c1").State != credential.Valid || k.count(`SELECT count(*) FROM ca_seal`) != 2 {
			t.Error("it was not sealed anew")
		}
		holds(t, judge(t, "pdfsig", "-nssdir", "sql:"+k.trust(), k.file(k.of("c1").ID)), "Signature is Valid")
	})
}

// E03: what is sealed is what was approved, whatever somebody writes into the database.
func TestChangedContentIsNeverSealed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		change := func(query string) {
			must(t, k.d.InTx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), query)
				return err
			}))
		}
		must(t, k.approve(k.asking("c1"), officer("rui")))
		change(`UPDATE credential SET content = replace(content, 'Cooperativa', 'Sociedade')`)
		if n, err := k.Work(t.Context()); n != 0 || err == nil {
			t.Errorf("issued %d, %v", n, err)
		}
		// With a digest to match, the room that signs finds no approval of it.
		other := k.propose(k.asking("c1", "called", "Sociedade d’Água {year}, CRL"))
		change(fmt.Sprintf(`UPDATE credential SET subject = '%s'`, other.Digest))
		n, err := k.Work(t.Context())
		if n != 0 || !fault.Is(err, fault.Forbidden) {
			t.Errorf("issued %d, %v", n, err)
		}
		if k.count(`SELECT count(*) FROM ca_seal`) != 0 || k.files() != 0 || len(k.post.of(portal.CredentialIssued)) != 0 {
			t.Error("something was sealed or told")
		}
	})
}

func TestOneThatFailsHoldsUpNoOther(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.approve(k.asking("c1"), officer("rui")))
		must(t, k.d.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE credential SET content = '{}'`)
			return err
		}))
		must(t, k.approve(k.asking("c2", "taxno", "590000020"), officer("rui")))
		if n, err := k.Work(t.Context()); n != 1 || err == nil {
			t.Errorf("issued %d, %v", n, err)
		}
	})
}

func TestANewerOneTakesThePlace(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		first := k.issued(k.asking("c1"))
		otherYear := k.issued(k.asking("c2", "about", "2024"))
		correction := k.asking("c3", "called", "Cooperativa Corrigida, CRL")
		last := k.propose(correction).Lines
		if got := last[len(last)-1].Value; got != first.Number {
			t.Errorf("the officer is told that it replaces %q", got)
		}
		k.clock.set(begin.Add(time.Hour))
		second := k.issued(correction)
		first = k.of("c1")
		if first.State != credential.Replaced || first.ReplacedBy != second.Number || first.Replacement != second.ID || second.State != credential.Valid {
			t.Errorf("%s by %q; %s", first.State, first.ReplacedBy, second.State)
		}
		if k.of("c2").State != credential.Valid || otherYear.State != credential.Valid {
			t.Error("another year's was replaced")
		}
		if k.audited("credential.replace") != 1 {
			t.Error("the record lacks it")
		}
		holds(t, judge(t, "pdftotext", "-layout", k.file(second.ID), "-"), "Cooperativa Corrigida, CRL")
		must(t, k.approve(k.asking("c4", "remark", "a"), officer("rui")))
		must(t, k.approve(k.asking("c5", "remark", "b"), officer("rui")))
		_, err := k.Work(t.Context())
		must(t, err)
		if k.of("c3").State != credential.Replaced || k.of("c4").State != credential.Replaced || k.of("c5").State != credential.Valid {
			t.Errorf("%s, %s, %s", k.of("c3").State, k.of("c4").State, k.of("c5").State)
		}
	})
}

func TestAnApprovalRousesTheLoop(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		done, ended := make(chan struct{}, 1), make(chan error, 1)
		k.crash = func(at string) {
			if at == "credential.recorded" {
				done <- struct{}{}
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		go func() { ended <- k.Run(ctx) }()
		must(t, k.approve(k.asking("c1"), officer("rui")))
		select {
		case <-done:
		case <-time.After(20 * time.Second): // less than the loop's own pause
			t.Error("the loop was not roused")
		}
		stop()
		must(t, <-ended)
	})
}

func TestNumbersBeginAnewEachYear(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.clock.set(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC))
		if a, b := k.issued(k.asking("c1")), k.issued(k.asking("c2", "taxno", "590000020")); a.Number != "2026/000001" || b.Number != "2026/000002" || a.Code == b.Code {
			t.Errorf("%s, %s", a.Number, b.Number)
		}
		k.clock.set(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) // the same moment in Lisbon
		if c := k.issued(k.asking("c3", "taxno", "590000039")); c.Number != "2027/000001" {
			t.Error(c.Number)
		}
	})
}

var errFull = errors.New("the disk is full")

// full is a store that takes nothing.
type full struct{ blob.Store }

func (full) Put(context.Context, io.Reader, int64) (blob.Blob, error) { return blob.Blob{}, errFull }
