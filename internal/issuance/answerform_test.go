package issuance

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

// TestAnAnswerIsWrittenAroundItsSignature compares what the form writes with what was signed, for each algorithm, hash,
// standing and reason.
func TestAnAnswerIsWrittenAroundItsSignature(t *testing.T) {
	for _, a := range []Algorithm{ECP256, ECP384, ECP521, RSA3072} {
		t.Run(string(a), func(t *testing.T) {
			h := newHierarchy(t, a, moment, Trust{})
			form := must2(h.responder.Form())(t)
			for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
				request := asking{ids: [][]byte{idOf(t, h, h.responderCert, hash)}, version: -1}.der(t)
				id := must2(ParseStatusRequest(request))(t).Asked[0]
				usual, longer := id.Usual()
				if own := must2(form.UsualID(id.Serial.Bytes(), hash == crypto.SHA256))(t); !usual || longer != (hash == crypto.SHA256) || !bytes.Equal(own.raw, id.raw) {
					t.Fatalf("%v: usual %v, longer %v, %x instead of %x", hash, usual, longer, own.raw, id.raw)
				}
				for _, s := range []SingleStatus{
					{Standing: Good}, {Standing: Unknown}, {Standing: Revoked, Revocation: Revocation{At: moment.Add(-time.Hour)}},
					{Standing: Revoked, Revocation: Revocation{At: moment.Add(-time.Hour), Reason: KeyCompromise}},
					{Standing: Revoked, Revocation: Revocation{At: moment.Add(-time.Hour), Reason: CertificateHold}},
				} {
					s.ID, s.ThisUpdate, s.NextUpdate = id, moment, moment.Add(time.Hour)
					der := h.answer(t, request, map[string]SingleStatus{id.Serial.String(): s})
					signature := must2(SignatureOf(der))(t)
					if again := form.Append(nil, s, signature); !bytes.Equal(again, der) || len(signature) > form.Longest() {
						t.Errorf("%v %+v: %d bytes of signature\n%x\n%x", hash, s, len(signature), again, der)
					}
				}
			}
		})
	}
}

func TestAnAnswerAboutWhatHasEndedSaysSinceWhen(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	request := asking{ids: [][]byte{idOf(t, h, h.responderCert, crypto.SHA1)}, version: -1}.der(t)
	id := must2(ParseStatusRequest(request))(t).Asked[0]
	der := h.answer(t, request, map[string]SingleStatus{id.Serial.String(): {
		ID: id, Standing: Good, ThisUpdate: moment, NextUpdate: moment.Add(time.Hour), Expired: true,
	}})
	dir := t.TempDir()
	write(t, dir, "r.der", der)
	said := tool(t, dir, "openssl", "ocsp", "-respin", "r.der", "-noverify", "-text")
	if want := "OCSP Archive Cutoff"; !strings.Contains(said, want) {
		t.Errorf("no %s in %s", want, said)
	}
	if _, err := SignatureOf(AnswerTryLater()); err == nil {
		t.Error("a bare answer has a signature")
	}
}

func TestEntriesAreLintedWhenTheyAreAdded(t *testing.T) {
	one := must2(Revocation{Serial: serialOf(1), At: moment, Reason: Superseded}.Entry())(t)
	e := NewEntries()
	if err := e.Add(one); err != nil || e.Len() != 1 || !e.Latest().Equal(moment) || !e.Has(serialOf(1).Bytes()) || e.Has(serialOf(2).Bytes()) {
		t.Fatalf("%v %d %s", err, e.Len(), e.Latest())
	}
	for name, bad := range map[string][]byte{
		"twice": one, "cut": one[:len(one)-1], "longer": append(bytes.Clone(one), 0), "nothing": nil,
		"unspecified written out":  []byte("\x30\x1e\x02\x01\x09\x17\x0d261120000000Z\x30\x0a\x30\x08\x06\x03\x55\x1d\x15\x04\x01\x00"),
		"serial number zero":       []byte("\x30\x12\x02\x01\x00\x17\x0d261120000000Z"),
		"GeneralizedTime too soon": []byte("\x30\x14\x02\x01\x09\x18\x0f20261120000000Z"),
	} {
		if err := e.Add(bad); err == nil {
			t.Errorf("%s was added", name)
		}
	}
	for n := range 5000 {
		if err := e.Add(must2(Revocation{Serial: serialOf(int64(n + 10)), At: moment.Add(-time.Hour)}.Entry())(t)); err != nil {
			t.Fatal(err)
		}
	}
	h := newHierarchy(t, ECP256, moment, Trust{})
	l := List{Number: serialOf(7), ThisUpdate: moment, NextUpdate: moment.AddDate(0, 0, 1), Linted: e}
	got := must2(x509.ParseRevocationList(h.list(t, l)))(t)
	if err := got.CheckSignatureFrom(h.issuing.certificate); err != nil || len(got.RevokedCertificateEntries) != 5001 {
		t.Errorf("%v, %d entries", err, len(got.RevokedCertificateEntries))
	}
	l.ThisUpdate = moment.Add(-time.Second)
	if _, err := PrepareList(l, h.issuing); err == nil {
		t.Error("a list is older than what it says")
	}
	l.ThisUpdate, l.Last = moment, true
	if last := must2(x509.ParseRevocationList(h.list(t, l)))(t); !last.NextUpdate.Equal(NoNextUpdate()) {
		t.Errorf("the last list says %s", last.NextUpdate)
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(must2(Revocation{Serial: serialOf(1), At: moment, Reason: Superseded}.Entry())(f))
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := ParseEntry(der)
		if err != nil {
			return
		}
		if again, err := r.Entry(); err != nil || !bytes.Equal(again, der) {
			t.Fatalf("%x is %+v, which is %x", der, r, again)
		}
	})
}
