package attacks_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/crypto/ocsp"

	"chancela/internal/apptest"
	"chancela/internal/db"
)

func TestIssuedThings(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.orderer(t)
		order := w.order(t, o)
		t.Run("E02 two pairs of eyes are two people", w.fourEyes(o, order))
		t.Run("E03 what changes after an approval is approved anew", w.changed(o))
		t.Run("E01 E07 of officers who decide at once one does and the others are told", w.decidedAtOnce(o))
		certificate := w.issue(t, o, order)
		t.Run("D03 what was never issued is never good", w.neverIssued(certificate))
		t.Run("D06 no serial number is signed twice", w.serials(o, certificate))
		t.Run("C03 a certificate is its holder's alone", w.othersCertificates(o))
		h := w.holder(t)
		made := w.credential(t, h)
		t.Run("D20 who guesses codes learns nothing", w.guessed(h, made))
		t.Run("E05 one body has one responsible person however many are approved at once", w.oneBody)
		t.Run("D21 check finds what was changed in the record", w.tampered)
	})
}

// orderer is somebody of a public body who may order certificates.
func (w *world) orderer(t *testing.T) *apptest.Person {
	t.Helper()
	answers, files := example(t, ca, "acesso")
	p := w.Person(t)
	p.Name, p.Email = answers.Get("nome"), answers.Get("email")
	w.secret("an address", p.Email)
	id := p.File(t, ca, "acesso", answers, files)
	done(t, p.Post(t, w.Mail(t, p.Email, apptest.Link("/confirmar/")), nil))
	w.approve(t, ca, id, "Teresa")
	p.Define(t, w.Mail(t, p.Email, apptest.Link("/definir/")))
	w.enter(t, p, ca)
	return p
}

// order asks for a certificate with a key of its own.
func (w *world) order(t *testing.T, p *apptest.Person) string {
	t.Helper()
	answers, files := example(t, ca, "autenticacao")
	files["csr"] = apptest.File{Name: "csr.pem", Content: csr(t)}
	return p.File(t, ca, "autenticacao", answers, files)
}

func (w *world) fourEyes(o *apptest.Person, order string) func(*testing.T) {
	return func(t *testing.T) {
		teresa := w.officer(t, ca, "Teresa")
		done(t, teresa.Move(t, ca, order, "assumir", nil))
		shown := teresa.Shown(t, ca, order)
		done(t, teresa.Post(t, "/"+ca+"/tecnico/processos/"+order+"/deferir", shown))
		before := w.entries(t)
		again := teresa.AtOnce(t, 4, "/"+ca+"/tecnico/processos/"+order+"/deferir", func(int) url.Values { return shown })
		for _, a := range again {
			if a.Status == http.StatusSeeOther {
				t.Error("one person approved twice")
			}
		}
		if now := w.entries(t); now != before {
			t.Errorf("%d deeds were done", now-before)
		}
		if a := teresa.Move(t, ca, order, "comprovar", url.Values{"comprovar.how": {"in-person"}, "comprovar.words": {"visto em pessoa"}}); a.Status == http.StatusSeeOther {
			t.Error("an order of one approval goes on")
		}
		// Whoever files is an officer too, by the same mailbox: the person counts, not the account.
		twin := w.Person(t)
		twin.Email = o.Email
		twin.Define(t, path(t, w.Officer(t, ca, o.Email, "A Mesma Pessoa", "decider", "director")))
		w.enter(t, twin, ca)
		a := twin.Post(t, "/"+ca+"/tecnico/processos/"+order+"/deferir", shown)
		if a.Status != http.StatusForbidden && a.Status != http.StatusNotFound && a.Status != http.StatusConflict {
			t.Errorf("an officer decided their own case: %d", a.Status)
		}
		w.enter(t, o, ca)
	}
}

func (w *world) changed(o *apptest.Person) func(*testing.T) {
	return func(t *testing.T) {
		order := w.order(t, o)
		teresa, rui := w.officer(t, ca, "Teresa"), w.officer(t, ca, "Rui")
		done(t, teresa.Move(t, ca, order, "assumir", nil))
		old := rui.Shown(t, ca, order)
		done(t, teresa.Move(t, ca, order, "deferir", nil))
		done(t, teresa.Move(t, ca, order, "elementos", url.Values{"elementos.ask.csr": {"1"}, "elementos.reason.csr": {"Falta um pedido de outra chave"}}))
		if a := rui.Post(t, "/"+ca+"/tecnico/processos/"+order+"/deferir", old); a.Status != http.StatusConflict {
			t.Errorf("a case that waits for its applicant is decided: %d", a.Status)
		}
		a := o.Post(t, "/"+ca+"/processos/"+order+"/responder", url.Values{"csr": {string(csr(t))}, "mensagem": {"outra chave"}})
		done(t, a)
		if a := rui.Post(t, "/"+ca+"/tecnico/processos/"+order+"/deferir", old); a.Status != http.StatusConflict {
			t.Errorf("what was shown before is approved after a change: %d", a.Status)
		}
		done(t, rui.Move(t, ca, order, "deferir", nil))
		page := rui.Get(t, "/"+ca+"/tecnico/processos/"+order)
		if strings.Contains(page.Body, "/tecnico/certificados/") {
			t.Error("the approval from before the change counts")
		}
		done(t, teresa.Move(t, ca, order, "deferir", nil)) // who approved the old approves the new as well
		if page := rui.Get(t, "/"+ca+"/tecnico/processos/"+order); !strings.Contains(page.Body, "/tecnico/certificados/") {
			t.Error("two new approvals do not make an order: the test proves nothing")
		}
	}
}

func (w *world) decidedAtOnce(_ *apptest.Person) func(*testing.T) {
	return func(t *testing.T) {
		p := w.proven(t)
		officers := []*apptest.Person{w.officer(t, coop, "Rita"), w.officer(t, coop, "Luis")}
		at := "/" + coop + "/tecnico/processos/" + p.id
		race := func(move string, shown url.Values) (won int, lost apptest.Answer) {
			for _, a := range apptest.AtOnce(t, 6, func(i int) (apptest.Answer, error) { return officers[i%2].TryPost(t.Context(), at+"/"+move, shown) }) {
				if a.Status == http.StatusSeeOther {
					won++
				} else {
					lost = a
				}
			}
			return won, lost
		}
		won, lost := race("assumir", nil)
		if won != 1 || lost.Status != http.StatusConflict || !strings.Contains(lost.Body, `role="alert"`) {
			t.Errorf("E07: %d officers took one case; the others got %d %q", won, lost.Status, lost.Text(t))
		}
		shown := officers[0].Shown(t, coop, p.id)
		won, lost = race("deferir", shown)
		if won != 1 || lost.Status != http.StatusConflict {
			t.Errorf("E01: %d approvals of one case; the others got %d", won, lost.Status)
		}
		w.Mail(t, p.Email, apptest.Link("/definir/"))
		w.Settled(t)
		links := 0
		for _, mail := range w.Mails(t, p.Email) {
			if apptest.Link("/definir/")(mail) != "" {
				links++
			}
		}
		if links != 1 {
			t.Errorf("E01: %d invitations came of it", links)
		}
	}
}

// issued is a certificate with its issuer.
type issued struct{ leaf, issuer *x509.Certificate }

// issue has the second approve, the identity recorded and the certificate issued.
func (w *world) issue(t *testing.T, o *apptest.Person, order string) issued {
	t.Helper()
	done(t, w.officer(t, ca, "Rui").Move(t, ca, order, "deferir", nil))
	page := w.officer(t, ca, "Teresa").Get(t, "/"+ca+"/tecnico/processos/"+order)
	if !strings.Contains(page.Body, "/tecnico/certificados/") {
		t.Fatalf("two approvals make no order: %s", page.Text(t))
	}
	how := page.Value(t, "comprovar.how")
	done(t, w.officer(t, ca, "Teresa").Move(t, ca, order, "comprovar", url.Values{"comprovar.how": {how}, "comprovar.words": {"Visto em pessoa, com o documento de identificação."}}))
	id := find(t, w.officer(t, ca, "Teresa").Get(t, "/"+ca+"/tecnico/processos/"+order).Body, `/tecnico/certificados/([0-9a-z]+)`)
	var chain apptest.Answer
	w.eventually(t, "the certificate is issued", func() bool {
		chain = o.Get(t, "/"+ca+"/certificados/"+id+"/cadeia.pem")
		return chain.Status == http.StatusOK
	})
	var all []*x509.Certificate
	for rest := []byte(o.Get(t, "/"+ca+"/certificados/"+id+"/certificado.pem").Body + "\n" + chain.Body); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	made := issued{leaf: all[0]}
	for _, c := range all[1:] {
		if bytes.Equal(c.RawSubject, made.leaf.RawIssuer) {
			made.issuer = c
		}
	}
	if made.issuer == nil {
		t.Fatal("the chain does not hold the issuer")
	}
	return made
}

func (w *world) neverIssued(c issued) func(*testing.T) {
	return func(t *testing.T) {
		status := func(serial *big.Int) string {
			request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: serial}, c.issuer, nil)
			if err != nil {
				t.Fatal(err)
			}
			a := w.Person(t).Do(t, http.MethodPost, "/pki/ocsp", "application/ocsp-request", bytes.NewReader(request))
			answer, err := ocsp.ParseResponseForCert([]byte(a.Body), nil, nil)
			if err != nil {
				return err.Error()
			}
			return map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}[answer.Status]
		}
		if got := status(c.leaf.SerialNumber); got != "good" {
			t.Errorf("what was issued is %s: the test proves nothing", got)
		}
		near := new(big.Int).Add(c.leaf.SerialNumber, big.NewInt(1))
		for _, serial := range []*big.Int{near, big.NewInt(1), big.NewInt(0), new(big.Int).Lsh(big.NewInt(1), 158), new(big.Int).Neg(c.leaf.SerialNumber)} {
			if got := status(serial); got == "good" {
				t.Errorf("serial %x, never issued, is good", serial)
			}
		}
		// One that was reserved and never signed is not good either.
		reserved := new(big.Int).Add(c.leaf.SerialNumber, big.NewInt(2))
		w.intend(t, c, reserved)
		if got := status(reserved); got == "good" {
			t.Errorf("a serial that was only reserved is good")
		}
		for _, other := range []string{fmt.Sprintf("%x", near), fmt.Sprintf("%x", reserved)} {
			if a := w.Person(t).Get(t, "/verificar/"+other); a.Status != http.StatusNotFound {
				t.Errorf("a serial never issued is found: %d", a.Status)
			}
		}
	}
}

// columns of a certificate's row, in one order.
const certificateColumns = `issuer, order_id, portal, case_id, holder, profile, digest, key_digest, approvals, report, tbs_hash, replica, state, intended_at, issued_at, not_before, not_after, revoked_at, reason, revoked_by, words, due_at, due_reason`

// intend reserves a serial number as if the program had ended before signing.
func (w *world) intend(t *testing.T, c issued, serial *big.Int) {
	t.Helper()
	err := w.DB.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO ca_certificate (serial, `+certificateColumns+`)
SELECT $1, issuer, $2, portal, case_id, holder, profile, digest, $3, approvals, report, $4, $5, 'intended', intended_at, '', not_before, not_after, '', reason, '', '', '', due_reason FROM ca_certificate WHERE serial = $6`,
			fmt.Sprintf("%x", serial), "order-"+db.NewID(), "key-"+db.NewID(), "tbs-"+db.NewID(), "another replica", serialText(c.leaf.SerialNumber))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// serialText is a serial number as the record has it.
func serialText(serial *big.Int) string {
	text := serial.Text(16)
	if len(text)%2 == 1 {
		text = "0" + text
	}
	return text
}

func (w *world) serials(_ *apptest.Person, c issued) func(*testing.T) {
	return func(t *testing.T) {
		if bits := c.leaf.SerialNumber.BitLen(); bits < 64 || c.leaf.SerialNumber.Sign() != 1 || len(c.leaf.SerialNumber.Bytes()) > 20 {
			t.Errorf("the serial number has %d bits", bits)
		}
		for _, row := range []struct{ what, serial, order, key, tbs string }{
			{"its serial number again", serialText(c.leaf.SerialNumber), "o", "k", "h"},
			{"the same bytes again", "00aa", "o", "k", ""},
			{"the same order again", "00ab", "", "k", "h"},
			{"the same key again", "00ac", "o", "", "h"},
		} {
			pick := func(mine, column string) string {
				if mine == "" {
					return column
				}
				return "'" + mine + "'"
			}
			err := w.DB.InTx(t.Context(), func(tx *db.Tx) error {
				n, err := tx.Exec(t.Context(), `INSERT INTO ca_certificate (serial, `+certificateColumns+`)
SELECT $1, issuer, `+pick(row.order, "order_id")+`, portal, case_id, holder, profile, digest, `+pick(row.key, "key_digest")+`, approvals, report, `+pick(row.tbs, "tbs_hash")+`, replica, 'intended', intended_at, '', not_before, not_after, '', reason, '', '', '', due_reason
FROM ca_certificate WHERE serial = $2`, row.serial, serialText(c.leaf.SerialNumber))
				if err == nil && n != 1 {
					t.Errorf("%s: the row to copy was not found", row.what)
				}
				return err
			})
			if !db.Taken(err) {
				t.Errorf("%s is taken by the record: %v", row.what, err)
			}
		}
	}
}

func (w *world) othersCertificates(o *apptest.Person) func(*testing.T) {
	return func(t *testing.T) {
		id := find(t, o.Get(t, "/"+ca+"/area").Body, `/certificados/([0-9a-z]+)`)
		stranger, outsider := w.Person(t), w.officer(t, coop, "Rita")
		nobodys := db.NewID()
		for _, at := range []string{"", "/certificado.pem", "/cadeia.pem"} {
			a, b := stranger.Get(t, "/"+ca+"/certificados/"+id+at), stranger.Get(t, "/"+ca+"/certificados/"+nobodys+at)
			same(t, "a stranger at "+at, a, b, id, nobodys)
			if a.Status == http.StatusOK {
				t.Errorf("a stranger gets %s", at)
			}
			for _, side := range []string{"/certificados/", "/tecnico/certificados/"} {
				a, b = outsider.Get(t, "/"+coop+side+id+at), outsider.Get(t, "/"+coop+side+nobodys+at)
				same(t, "an officer of the other portal at "+side+at, a, b, id, nobodys)
				if a.Status == http.StatusOK {
					t.Errorf("an officer of the other portal gets %s", at)
				}
			}
		}
		revoke := url.Values{"revogar-fundamento": {"1"}, "revogar-confirmo": {"true"}, "revogar.codes": {"RV1"}, "revogar.words": {"não é meu"}}
		for _, deed := range []string{"/aceitar", "/recusar", "/revogar"} {
			stranger.Post(t, "/"+ca+"/certificados/"+id+deed, revoke)
			outsider.Post(t, "/"+coop+"/certificados/"+id+deed, revoke)
			outsider.Post(t, "/"+coop+"/tecnico/certificados/"+id+deed, revoke)
		}
		if a := o.Get(t, "/"+ca+"/certificados/"+id); a.Status != http.StatusOK || strings.Contains(a.Text(t), "Revogado") {
			t.Errorf("somebody else changed it: %d %s", a.Status, a.Text(t))
		}
	}
}

func (w *world) guessed(h *holder, made thing) func(*testing.T) {
	return func(t *testing.T) {
		p := w.Person(t)
		right := p.Get(t, "/verificar/"+made.code)
		if right.Status != http.StatusOK {
			t.Fatalf("the code is not found: %d", right.Status)
		}
		for _, private := range []string{h.Name, h.Email, "912345678", "912 345 678", made.caseID, made.id, h.id} {
			if strings.Contains(right.Body, private) {
				t.Errorf("everybody is shown %q", private)
			}
		}
		mistyped := []byte(made.code)
		last := len(mistyped) - 2
		mistyped[last] = map[bool]byte{true: '8', false: '7'}[mistyped[last] == '7']
		unknown := p.Get(t, "/verificar/0000-0000-0000-0")
		for what, code := range map[string]string{"mistyped": string(mistyped), "malformed": "not-a-code", "short": "1", "another's id": made.id, "a case": made.caseID, "a pattern": "%25"} {
			same(t, what, unknown, p.Get(t, "/verificar/"+code), "0000-0000-0000-0", code)
			var data map[string]any
			a := p.Get(t, "/verificar/"+code, func(r *http.Request) { r.Header.Set("Accept", "application/json") })
			a.JSON(t, &data)
			if data["state"] != "not-found" {
				t.Errorf("%s: %v", what, data)
			}
			for name := range data {
				if name != "state" && name != "at" {
					t.Errorf("%s: machines are told %s", what, name)
				}
			}
		}
		if !strings.Contains(right.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("the answer is kept by others: %s", right.Header.Get("Cache-Control"))
		}
		guesser, got := w.Person(t), 0
		for got < 400 {
			got++
			if a := guesser.Get(t, fmt.Sprintf("/verificar/AAAA-BBBB-%04d-0", got)); a.Status == http.StatusTooManyRequests {
				break
			}
		}
		if got == 400 {
			t.Error("guessing has no end")
		}
		if a := guesser.Get(t, "/verificar/"+made.code); a.Status != http.StatusTooManyRequests {
			t.Errorf("who guessed enough is still told: %d", a.Status)
		}
		if a := p.Get(t, "/verificar/"+made.code); a.Status != http.StatusOK {
			t.Errorf("others are not told any more: %d", a.Status)
		}
	}
}

func (w *world) oneBody(t *testing.T) {
	nipc := w.nipc()
	var ids, mails []string
	for i := range 3 {
		p := w.Person(t)
		email := fmt.Sprintf("corrida%d.%s@inventada.exemplo.pt", i, strings.ToLower(db.NewID()[:6]))
		id := p.File(t, coop, "acesso", access("Corrida Exemplo", email, nipc), nil)
		done(t, p.Post(t, w.Mail(t, email, apptest.Link("/confirmar/")), nil))
		ids, mails = append(ids, id), append(mails, email)
	}
	officer := w.officer(t, coop, "Rita")
	shown := map[string]url.Values{}
	for _, id := range ids {
		done(t, officer.Move(t, coop, id, "assumir", nil))
		shown[id] = officer.Shown(t, coop, id)
	}
	won := 0
	for _, a := range apptest.AtOnce(t, len(ids), func(i int) (apptest.Answer, error) {
		return officer.TryPost(t.Context(), "/"+coop+"/tecnico/processos/"+ids[i]+"/deferir", shown[ids[i]])
	}) {
		if a.Status == http.StatusSeeOther {
			won++
		} else if a.Status != http.StatusConflict {
			t.Errorf("who did not win got %d %s", a.Status, a.Text(t))
		}
	}
	w.Settled(t)
	links := 0
	for _, email := range mails {
		for _, mail := range w.Mails(t, email) {
			if apptest.Link("/definir/")(mail) != "" {
				links++
			}
		}
	}
	if won != 1 || links != 1 {
		t.Errorf("%d were approved and %d invited for one body", won, links)
	}
}

// found says what check says of the record of deeds: "" if it is sound.
func (w *world) found(t *testing.T) string {
	t.Helper()
	for _, one := range w.Check(t.Context()) {
		if one.What == "audit" && one.Wrong {
			return one.Says
		}
	}
	return ""
}

func (w *world) tampered(t *testing.T) {
	if _, err := w.Keeper.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if says := w.found(t); says != "" {
		t.Fatalf("before anything was changed: %s", says)
	}
	w.forged.Store(true)
	const columns = `at, portal, kind, person, account, session, roles, strength, opened, address, verb, object, details, prev, hash`
	for what, statements := range map[string][]string{
		"a row changed":  {`UPDATE audit_entry SET object = 'case/outro' WHERE seq = 7`},
		"a hash changed": {`UPDATE audit_entry SET hash = prev WHERE seq = 7`},
		"a row deleted":  {`DELETE FROM audit_entry WHERE seq = 7`},
		"a row inserted": {`INSERT INTO audit_entry (seq, ` + columns + `) SELECT (SELECT max(seq) FROM audit_entry) + 1, ` + columns + ` FROM audit_entry WHERE seq = 7`},
		"rows reordered": {`UPDATE audit_entry SET seq = -7 WHERE seq = 7`, `UPDATE audit_entry SET seq = 7 WHERE seq = 8`, `UPDATE audit_entry SET seq = 8 WHERE seq = -7`},
		"the tail cut": {
			`UPDATE audit_head SET hash = (SELECT prev FROM audit_entry WHERE seq = audit_head.seq), seq = seq - 1`,
			`DELETE FROM audit_entry WHERE seq > (SELECT seq FROM audit_head)`,
		},
	} {
		t.Run(what, func(t *testing.T) {
			// In a transaction that is taken back, the check sees nothing of it: the change is made, and unmade.
			kept := w.keepRecord(t)
			w.run(t, statements...)
			if says := w.found(t); says == "" {
				t.Error("check finds nothing")
			}
			kept()
			if says := w.found(t); says != "" {
				t.Fatalf("after it was put back: %s", says)
			}
		})
	}
}

// run runs statements as whoever has the database can.
func (w *world) run(t *testing.T, statements ...string) {
	t.Helper()
	err := w.DB.InTx(t.Context(), func(tx *db.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keepRecord copies the record, and gives what puts it back.
func (w *world) keepRecord(t *testing.T) (back func()) {
	t.Helper()
	w.run(t, `DROP TABLE IF EXISTS kept_entry`, `DROP TABLE IF EXISTS kept_head`, `CREATE TABLE kept_entry AS SELECT * FROM audit_entry`, `CREATE TABLE kept_head AS SELECT * FROM audit_head`)
	return func() {
		w.run(t, `DELETE FROM audit_entry`, `INSERT INTO audit_entry SELECT * FROM kept_entry`, `DELETE FROM audit_head`, `INSERT INTO audit_head SELECT * FROM kept_head`)
	}
}
