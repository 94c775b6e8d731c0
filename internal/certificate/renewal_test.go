package certificate_test

import (
	"crypto/x509/pkix"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// shell is a holder at a shell: keys and certificates are files, and everything is done by openssl itself.
type shell struct {
	t   *testing.T
	dir string
}

func newShell(t *testing.T) shell {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is not here: apt-get install openssl")
	}
	return shell{t, t.TempDir()}
}

func (s shell) run(command string) string {
	s.t.Helper()
	words := strings.Fields(strings.ReplaceAll(command, " -aes256", "")) // no passphrase is typed here
	cmd := exec.CommandContext(s.t.Context(), words[0], words[1:]...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

func (s shell) read(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	must(s.t, err)
	return string(data)
}

func (s shell) write(name string, data []byte) {
	s.t.Helper()
	must(s.t, os.WriteFile(filepath.Join(s.dir, name), data, 0o600))
}

// fresh makes a key and its request as the page says, and gives the request; the key is kept under a name.
func (s shell) fresh(name string) string {
	s.t.Helper()
	for _, step := range certificate.Steps("00")[:2] {
		s.run(step.Command)
	}
	must(s.t, os.Rename(filepath.Join(s.dir, "nova-chave.pem"), filepath.Join(s.dir, name)))
	return s.read("pedido.pem")
}

// signed makes a new key and its request, and signs it with the earlier key, as the page says.
func (s shell) signed(k *kit, old certificate.View, oldKey string) string {
	s.t.Helper()
	s.fresh("chave-nova.pem")
	file, err := k.Download(s.t.Context(), holder("ana"), old.ID, certificate.PEM)
	must(s.t, err)
	s.write(file.Name, file.Data)
	s.write("chave-anterior.pem", []byte(s.read(oldKey)))
	n, err := k.Renewal(s.t.Context(), holder("ana"), old.ID)
	must(s.t, err)
	s.run(n.Steps[2].Command)
	return s.read("renovacao.pem")
}

// aged is a certificate of Ana's whose key she has, accepted, near its end.
func (k *kit) aged(s shell) certificate.View {
	k.t.Helper()
	must(k.t, k.approve(k.grant("pessoa", "c1", portal.Answers{"i": {s.fresh("chave.pem")}}), "rui", "ivo"))
	must(k.t, k.RecordIdentity(k.t.Context(), director, "c1", certificate.InPerson, "Cartão de Cidadão visto ao balcão."))
	k.work(1)
	v := k.ofCase("c1")
	must(k.t, k.Accept(k.t.Context(), holder("ana"), v.ID))
	k.clock.pass(v.NotAfter.Sub(k.db.Now()) - 30*24*time.Hour)
	return k.ofCase("c1")
}

// renewing is what a case that follows another hands over.
func (k *kit) renewing(of, caseID, request string, answers portal.Answers) portal.Grant {
	k.t.Helper()
	if answers == nil {
		answers = portal.Answers{}
	}
	answers["i"] = []string{request}
	g := k.grant("pessoa", caseID, answers)
	g.Follows = of
	return g
}

func TestARenewalProvenByTheEarlierKeyNeedsNoNewProofOfIdentity(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := newShell(t)
		old := k.aged(s)
		g := k.renewing("c1", "c2", s.signed(k, old, "chave.pem"), nil)
		p := k.propose(g)
		if len(p.Problems) > 0 || !strings.Contains(valueOf(p, "certificate.line.renews"), old.Serial) || !strings.Contains(valueOf(p, "certificate.line.proof"), "chave do certificado anterior") {
			t.Fatalf("%+v", p)
		}
		must(t, k.approve(g, "rui", "ivo"))
		v := k.ofCase("c2")
		if v.State != certificate.Issuing || v.Identity == nil || v.Identity.How != "earlier-key" || v.Identity.Words != old.Serial {
			t.Fatalf("%+v", v)
		}
		k.work(1)
		if v, old = k.ofCase("c2"), k.ofCase("c1"); v.Standing != certificate.Active || old.Standing != certificate.Active {
			t.Fatal("the earlier certificate must be good until the new one is accepted")
		}
		must(t, k.Accept(t.Context(), holder("ana"), v.ID))
		if old = k.ofCase("c1"); old.Revocation == nil || old.Revocation.Reason != int(issuance.Superseded) {
			t.Fatalf("%+v", old.Revocation)
		}
		if events := k.post.events(); !slices.Contains(events, portal.CertificateRevoked) {
			t.Fatal(events)
		}
		for _, id := range []certificate.ID{old.ID, v.ID} { // openssl finds both whole
			chain := download(t, k, id, certificate.Chain).Data
			s.write("chain.pem", chain)
			s.run("openssl verify -no_check_time -partial_chain -CAfile chain.pem chain.pem")
		}
		n, err := k.Renewal(t.Context(), holder("ana"), old.ID)
		if err != nil || n.Next != v.ID || n.MayBegin {
			t.Fatalf("%+v %v", n, err)
		}
	})
}

func TestALostKeyIsNoObstacleThenIdentityIsProvenAgain(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := newShell(t)
		k.aged(s)
		must(t, k.approve(k.renewing("c1", "c2", s.fresh("outra.pem"), nil), "rui", "ivo"))
		if v := k.ofCase("c2"); v.State != certificate.AwaitingIdentity || v.Identity != nil {
			t.Fatalf("%+v", v)
		}
	})
}

func TestOneProofOfIdentityStandsForSoManyCertificatesAndSoLong(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := newShell(t)
		old := k.aged(s)
		must(t, k.approve(k.renewing("c1", "c2", s.signed(k, old, "chave.pem"), nil), "rui", "ivo"))
		k.work(1)
		second := k.ofCase("c2")
		must(t, k.Accept(t.Context(), holder("ana"), second.ID))
		k.clock.pass(second.NotAfter.Sub(k.db.Now()) - 30*24*time.Hour)
		must(t, os.Rename(filepath.Join(s.dir, "chave-nova.pem"), filepath.Join(s.dir, "segunda.pem")))
		must(t, k.approve(k.renewing("c2", "c3", s.signed(k, second, "segunda.pem"), nil), "rui", "ivo"))
		if v := k.ofCase("c3"); v.State != certificate.AwaitingIdentity {
			t.Fatalf("the third certificate on one proof is in state %s", v.State)
		}
	})
}

func TestAChangedFunctionIsOrderedAtOnceAndTheEarlierCertificateIsRevokedForIt(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		for name, c := range map[string]struct {
			answers  portal.Answers
			reason   issuance.Reason
			identity certificate.State
		}{
			"function": {portal.Answers{"g": {"Diretora de Serviços"}}, issuance.AffiliationChanged, certificate.Issuing},
			"name":     {portal.Answers{"e": {"Inventada Nova d’Exemplo"}, "d": {"Nova d’Exemplo"}}, issuance.Superseded, certificate.AwaitingIdentity},
		} {
			t.Run(name, func(t *testing.T) {
				s := newShell(t)
				must(t, k.approve(k.grant("pessoa", "old-"+name, portal.Answers{"i": {s.fresh("chave.pem")}}), "rui", "ivo"))
				must(t, k.RecordIdentity(t.Context(), director, "old-"+name, certificate.InPerson, "Cartão de Cidadão visto ao balcão."))
				k.work(1)
				old := k.ofCase("old-" + name)
				request := s.signed(k, old, "chave.pem")
				k.problems(k.renewing("old-"+name, "same-"+name, request, nil), "certificate.too-early")
				must(t, k.approve(k.renewing("old-"+name, "new-"+name, request, c.answers), "rui", "ivo"))
				v := k.ofCase("new-" + name)
				if v.State != c.identity {
					t.Fatalf("a changed %s: %s", name, v.State)
				}
				if c.identity == certificate.AwaitingIdentity {
					must(t, k.RecordIdentity(t.Context(), director, "new-"+name, certificate.InPerson, "Certidão com o novo nome."))
				}
				k.work(1)
				must(t, k.Accept(t.Context(), holder("ana"), v.ID))
				if old = k.ofCase("old-" + name); old.Revocation == nil || old.Revocation.Reason != int(c.reason) {
					t.Fatalf("%+v", old.Revocation)
				}
			})
		}
	})
}

func TestARenewalIsRefusedWhereTheRightOrTheEarlierCertificateIsGone(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := newShell(t)
		old := k.aged(s)
		good := s.signed(k, old, "chave.pem")
		stranger := s.fresh("estranha.pem")
		s.run("openssl cms -sign -binary -nodetach -in pedido.pem -signer certificado-" + strings.ToLower(strings.ReplaceAll(old.Serial, ":", "")) + ".pem -inkey chave-anterior.pem -outform PEM -out ok.pem")
		s.write("ca.cnf", []byte("[req]\ndistinguished_name=dn\n[dn]\n"))
		s.run("openssl req -x509 -new -key estranha.pem -subj /CN=x -days 10 -config ca.cnf -out estranha.crt")
		s.run("openssl cms -sign -binary -nodetach -in pedido.pem -signer estranha.crt -inkey estranha.pem -outform PEM -out mau.pem")
		k.problems(k.renewing("c1", "c2", s.read("mau.pem"), nil), "certificate.other-key")
		k.problems(k.renewing("nenhum", "c2", good, nil), "certificate.not-renewable")

		// Another person's case is followed by nobody.
		other := k.renewing("c1", "c2", stranger, nil)
		other.Person, other.Account = "zoe", "a-zoe"
		k.people.powers["zoe"] = k.people.powers["ana"]
		if p := k.propose(other); !slices.Contains(p.Problems, "certificate.not-renewable") {
			t.Errorf("%v", p.Problems)
		}

		// The power ends between the request and the approval.
		g := k.renewing("c1", "c2", good, nil)
		must(t, k.decide(g, "rui", false))
		had := k.people.powers["ana"]
		k.people.powers["ana"] = nil
		if err := k.decide(g, "ivo", true); !fault.Is(err, fault.Conflict) {
			t.Errorf("approved without a power: %v", err)
		}
		k.people.powers["ana"] = had

		// A key that was stolen proves nothing, and is renewed by nobody.
		must(t, k.Revoke(t.Context(), holder("ana"), old.ID, int(issuance.KeyCompromise), time.Time{}))
		k.problems(g, "certificate.not-renewable")
	})
}

func TestAKeyOfACertificateThatEndedMeanwhileProvesNothing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := newShell(t)
		old := k.aged(s)
		g := k.renewing("c1", "c2", s.signed(k, old, "chave.pem"), nil)
		must(t, k.decide(g, "rui", false))
		k.clock.pass(31 * 24 * time.Hour)
		must(t, k.decide(g, "ivo", true))
		if v := k.ofCase("c2"); v.State != certificate.AwaitingIdentity {
			t.Fatalf("an expired key proved an identity: %s", v.State)
		}
	})
}

func TestOfManyRenewalsAtOnceOneTakesThePlace(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := newShell(t)
		old := k.aged(s)
		k.people.mu.Lock()
		k.people.powers["ana"] = []account.Power{{Key: "propria", BodyNIPC: nipc, BodyName: body, From: k.db.Now().AddDate(-4, 0, 0)}}
		k.people.mu.Unlock()
		var grants []portal.Grant
		for n := range 16 {
			g := k.renewing("c1", "r"+string(rune('a'+n)), request(t, pkix.Name{}), nil)
			must(t, k.decide(g, "rui", false))
			grants = append(grants, g)
		}
		errs := make([]error, len(grants))
		var all sync.WaitGroup
		for n, g := range grants {
			all.Go(func() { errs[n] = k.decide(g, "ivo", true) })
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("%v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d orders take the place of one certificate", won)
		}
		n, err := k.Renewal(t.Context(), holder("ana"), old.ID)
		if err != nil || n.Next == "" {
			t.Fatalf("%+v %v", n, err)
		}
	})
}

func TestADeclinedRenewalLeavesTheEarlierCertificateAndMayBeAskedForAgain(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := newShell(t)
		old := k.aged(s)
		must(t, k.approve(k.renewing("c1", "c2", s.signed(k, old, "chave.pem"), nil), "rui", "ivo"))
		k.work(1)
		must(t, k.Decline(t.Context(), holder("ana"), k.ofCase("c2").ID))
		n, err := k.Renewal(t.Context(), holder("ana"), old.ID)
		if err != nil || !n.MayRenew(k.db.Now()) || n.Standing != certificate.Active {
			t.Fatalf("%+v %v", n, err)
		}
		if _, err := k.Renewal(t.Context(), holder("zoe"), old.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger: %v", err)
		}
		if _, err := k.Renewal(t.Context(), officer("eva", actor.Director), old.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("an officer: %v", err)
		}
	})
}
