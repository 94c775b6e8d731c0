package issuance

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"
)

func entries(t testing.TB, of ...Revocation) []byte {
	t.Helper()
	var out []byte
	for _, r := range of {
		out = append(out, must2(r.Entry())(t)...)
	}
	return out
}

func TestListsKeepTheirEntriesAsGiven(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	var all []Revocation
	for i, reason := range []Reason{Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation, CertificateHold, PrivilegeWithdrawn} {
		all = append(all, Revocation{serialOf(int64(100 - i)), moment.Add(-time.Duration(i) * time.Hour), reason})
	}
	l := List{Number: big.NewInt(41), ThisUpdate: moment, NextUpdate: moment.AddDate(0, 0, 1), Entries: entries(t, all...)}
	got := must2(x509.ParseRevocationList(h.list(t, l)))(t)
	if err := got.CheckSignatureFrom(h.issuing.certificate); err != nil {
		t.Error(err)
	}
	for i, e := range got.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(all[i].Serial) != 0 || !e.RevocationTime.Equal(all[i].At) || e.ReasonCode != int(all[i].Reason) || len(e.Extensions) > 1 {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if len(got.RevokedCertificateEntries) != len(all) || got.Number.Int64() != 41 || !got.NextUpdate.Equal(l.NextUpdate) {
		t.Errorf("%+v", got)
	}
	l.Entries = nil
	if empty := must2(x509.ParseRevocationList(h.list(t, l)))(t); len(empty.RevokedCertificateEntries) != 0 {
		t.Error("an empty list is not empty")
	}
	l.Shard = "http://localhost:8080/pki/crl/ecce-1.crl"
	shard := must2(x509.ParseRevocationList(h.list(t, l)))(t)
	if idp, ok := extension(shard.Extensions, oidIDP); !ok || !idp.Critical {
		t.Error("a shard has no critical distribution point")
	}
}

func TestListsThatWouldMisleadAreNotSigned(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	good := List{Number: big.NewInt(1), ThisUpdate: moment, NextUpdate: moment.AddDate(0, 0, 1)}
	try := func(change func(*List)) error {
		l := good
		change(&l)
		u, err := PrepareList(l, h.issuing)
		if err != nil {
			return err
		}
		_, _, err = h.linter.Lint(u)
		return err
	}
	if err := try(func(*List) {}); err != nil {
		t.Fatal(err)
	}
	one := Revocation{Serial: serialOf(1), At: moment.Add(-time.Hour)}
	for name, change := range map[string]func(*List){
		"no number":             func(l *List) { l.Number = nil },
		"a number too long":     func(l *List) { l.Number = new(big.Int).Lsh(big.NewInt(1), 160) },
		"a negative number":     func(l *List) { l.Number = big.NewInt(-1) },
		"no next":               func(l *List) { l.NextUpdate = time.Time{} },
		"next before this":      func(l *List) { l.NextUpdate = l.ThisUpdate },
		"a month":               func(l *List) { l.NextUpdate = l.ThisUpdate.AddDate(0, 1, 0) },
		"twice the same":        func(l *List) { l.Entries = entries(t, one, one) },
		"revoked to come":       func(l *List) { l.Entries = entries(t, Revocation{serialOf(1), moment.Add(time.Second), Superseded}) },
		"older than its issuer": func(l *List) { l.ThisUpdate, l.NextUpdate = moment.AddDate(-1, 0, 0), moment.AddDate(-1, 0, 1) },
		"https shard":           func(l *List) { l.Shard = "https://localhost/x.crl" },
		"broken entries":        func(l *List) { l.Entries = []byte{0x30, 0x01} },
		"reason written as unspecified": func(l *List) {
			l.Entries = []byte("\x30\x1e\x02\x01\x01\x17\x0d261120000000Z\x30\x0a\x30\x08\x06\x03\x55\x1d\x15\x04\x01\x00")
		},
	} {
		if try(change) == nil {
			t.Errorf("%s: signed", name)
		}
	}
	for _, r := range []Revocation{{}, {Serial: big.NewInt(0), At: moment}, {Serial: big.NewInt(1)}, {Serial: big.NewInt(1), At: moment, Reason: 8}, {Serial: big.NewInt(1), At: moment, Reason: 11}} {
		if _, err := r.Entry(); err == nil {
			t.Errorf("%+v became an entry", r)
		}
	}
	if _, err := PrepareList(good, must2(SelfIssuer(rootOrder(t), URLs{}, Trust{}))(t)); err == nil {
		t.Error("a root that has not signed itself made a list")
	}
	if _, _, err := h.linter.Lint(Unsigned{}); err == nil || errors.Is(err, ErrLint) {
		t.Errorf("nothing was linted: %v", err)
	}
}

// TestEveryLintOfListsAndAnswersCanFindSomething looks at the lints alone, past the checks that come before them.
func TestEveryLintOfListsAndAnswersCanFindSomething(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	good := &x509.RevocationList{
		RawIssuer: h.issuing.subject, AuthorityKeyId: h.issuing.keyID, Number: big.NewInt(1), ThisUpdate: moment, NextUpdate: moment.Add(time.Hour),
		Extensions: []pkix.Extension{
			{Id: oidAKI, Value: []byte("\x30\x03\x80\x01k")}, {Id: oidExpired, Value: []byte("\x18\x0f" + h.issuing.certificate.NotBefore.UTC().Format("20060102150405Z"))}, {Id: oidIDP, Critical: true, Value: []byte("\x30\x10\xa0\x0e\xa0\x0c\x86\x0ahttp://a/b")},
		},
	}
	u := Unsigned{issuer: h.issuing, responder: h.responder, chain: [][]byte{h.responderCert}}
	bends := map[string]func(l *x509.RevocationList){
		"ours_crl_issuer":                   func(l *x509.RevocationList) { l.RawIssuer = h.root.subject },
		"ours_crl_authority_key_identifier": func(l *x509.RevocationList) { l.AuthorityKeyId = h.root.keyID },
		"ours_crl_number":                   func(l *x509.RevocationList) { l.Number = nil },
		"ours_crl_times":                    func(l *x509.RevocationList) { l.NextUpdate = l.ThisUpdate },
		"ours_crl_entries": func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(0)}}
		},
		"ours_crl_extensions":           func(l *x509.RevocationList) { l.Extensions = []pkix.Extension{{Id: oidIDP}} },
		"ours_crl_key_by_name":          func(l *x509.RevocationList) { l.Extensions[0].Value = []byte("\x30\x06\x80\x01k\x82\x01n") },
		"ours_crl_expired_certificates": func(l *x509.RevocationList) { l.Extensions[1].Value = []byte("\x18\x0f20010101000000Z") },
		"ours_crl_distribution_point": func(l *x509.RevocationList) { // onlyContainsUserCerts
			l.Extensions[2].Value = []byte("\x30\x13\xa0\x0e\xa0\x0c\x86\x0ahttp://a/b\x81\x01\xff")
		},
	}
	for _, lint := range listLints() {
		l := *good
		l.Extensions = slices.Clone(good.Extensions)
		if found := lint.check(u, &l); found != "" {
			t.Errorf("%s: %s", lint.name, found)
		}
		bends[lint.name](&l)
		if lint.check(u, &l) == "" {
			t.Errorf("%s found nothing", lint.name)
		}
	}
	ask := CertID{Serial: big.NewInt(1), hash: oidSHA1, name: h.issuing.sha1.name, key: h.issuing.sha1.key}
	answers := map[string]func(a *readAnswer){
		"ours_ocsp_form":           func(a *readAnswer) { a.wellFormed = false },
		"ours_ocsp_responder":      func(a *readAnswer) { a.keyHash = nil },
		"ours_ocsp_times":          func(a *readAnswer) { a.singles[0].nextUpdate = time.Time{} },
		"ours_ocsp_revoked":        func(a *readAnswer) { a.singles[0].standing, a.singles[0].reason = Revoked, 0 },
		"ours_ocsp_issuer":         func(a *readAnswer) { a.singles[0].id.key = nil },
		"ours_ocsp_archive_cutoff": func(a *readAnswer) { a.singles[0].cutoff = moment.Add(time.Second) },
		"ours_ocsp_nonce":          func(a *readAnswer) { a.nonce = make([]byte, 33) },
	}
	for _, lint := range answerLints() {
		a := readAnswer{wellFormed: true, keyHash: h.responder.keyHash, producedAt: moment, singles: []readSingle{
			{id: ask, standing: Good, reason: -1, thisUpdate: moment, nextUpdate: moment.Add(time.Hour)},
		}}
		if found := lint.check(u, a); found != "" {
			t.Errorf("%s: %s", lint.name, found)
		}
		answers[lint.name](&a)
		if lint.check(u, a) == "" {
			t.Errorf("%s found nothing", lint.name)
		}
	}
}

func rootOrder(t testing.TB) Order {
	t.Helper()
	_, key := newKey(t, ECP256)
	return order(t, RootCA, map[Attribute]string{Country: "PT", Organization: "O", CommonName: "Raiz TESTE"}, nil, nil, key)
}

// TestAPartOfAListIsNamedByAnAddressAlone looks at every other form of the extension.
func TestAPartOfAListIsNamedByAnAddressAlone(t *testing.T) {
	for name, value := range map[string]string{
		"nothing": "\x30\x00", "authorities alone": "\x30\x13\xa0\x0e\xa0\x0c\x86\x0ahttp://a/b\x82\x01\xff", "some reasons": "\x30\x14\xa0\x0e\xa0\x0c\x86\x0ahttp://a/b\x83\x02\x06\x40",
		"two addresses": "\x30\x1c\xa0\x1a\xa0\x18\x86\x0ahttp://a/b\x86\x0ahttp://a/c", "an address of another kind": "\x30\x10\xa0\x0e\xa0\x0c\x86\x0aldap://a/b",
		"bytes behind": "\x30\x10\xa0\x0e\xa0\x0c\x86\x0ahttp://a/b\x05\x00",
	} {
		if lintListPoint(Unsigned{}, &x509.RevocationList{Extensions: []pkix.Extension{{Id: oidIDP, Critical: true, Value: []byte(value)}}}) == "" {
			t.Errorf("%s passed", name)
		}
	}
}
