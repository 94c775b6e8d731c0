package trustlist_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"chancela/internal/issuance/trustlist"
	"chancela/internal/issuance/trustlist/trustlisttest"
)

var moment = time.Date(2031, 5, 6, 12, 0, 0, 0, time.UTC)

// authority is one whose service lists name.
func authority(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: moment.AddDate(-2, 0, 0), NotAfter: moment.AddDate(8, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func day(n int) time.Time { return moment.AddDate(0, 0, n) }

func TestAListProvesWhatItSaysIsGranted(t *testing.T) {
	o := trustlisttest.NewOperator(t, moment)
	a, other := authority(t, "Emissora de Ensaio"), authority(t, "Outra")
	all := []string{"ForeSignatures", "ForeSeals"}
	good := trustlisttest.Service{Type: "CA/QC", Status: "granted", Certificate: a.Raw, Kinds: all}
	for name, one := range map[string]struct {
		services []trustlisttest.Service
		kind     trustlist.Kind
		ok       bool
	}{
		"for signatures":        {[]trustlisttest.Service{good}, trustlist.Signatures, true},
		"for seals":             {[]trustlisttest.Service{good}, trustlist.Seals, true},
		"for anything":          {[]trustlisttest.Service{good}, "", true},
		"not for websites":      {[]trustlisttest.Service{good}, trustlist.Websites, false},
		"by its key identifier": {[]trustlisttest.Service{{Type: "CA/QC", Status: "granted", KeyID: a.SubjectKeyId, Kinds: all}}, trustlist.Seals, true},
		"a short identifier":    {[]trustlisttest.Service{{Type: "CA/QC", Status: "granted", KeyID: a.SubjectKeyId[:4], Kinds: all}}, trustlist.Seals, false},
		"another's key":         {[]trustlisttest.Service{{Type: "CA/QC", Status: "granted", Certificate: other.Raw, Kinds: all}}, trustlist.Seals, false},
		"withdrawn":             {[]trustlisttest.Service{{Type: "CA/QC", Status: "withdrawn", Certificate: a.Raw, Kinds: all}}, trustlist.Seals, false},
		"another type":          {[]trustlisttest.Service{{Type: "CA/PKC", Status: "granted", Certificate: a.Raw, Kinds: all}}, trustlist.Seals, false},
		"a time-stamping unit":  {[]trustlisttest.Service{{Type: "TSA/QTST", Status: "granted", Certificate: a.Raw, Kinds: all}}, "", false},
		"granted next week":     {[]trustlisttest.Service{{Type: "CA/QC", Status: "granted", Certificate: a.Raw, Kinds: all, Since: day(7)}}, trustlist.Seals, false},
		"for nothing named":     {[]trustlisttest.Service{{Type: "CA/QC", Status: "granted", Certificate: a.Raw}}, "", false},
		"granted and withdrawn": {[]trustlisttest.Service{good, {Type: "CA/QC", Status: "withdrawn", Certificate: a.Raw, Kinds: all}}, trustlist.Seals, false},
		"seals alone withdrawn": {[]trustlisttest.Service{good, {Type: "CA/QC", Status: "withdrawn", Certificate: a.Raw, Kinds: all[1:]}}, trustlist.Signatures, true},
		"nobody is on the list": {nil, "", false},
	} {
		l, err := trustlist.Read(o.Sign(t, trustlisttest.Unsigned(day(-3), day(90), one.services...)), []*x509.Certificate{o.Certificate}, moment)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if l.Territory != "PT" || l.Sequence != 7 || !l.NextUpdate.Equal(day(90)) {
			t.Errorf("%s: %+v", name, l)
		}
		if err := l.Proves(a, one.kind, moment); (err == nil) != one.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err := l.Proves(a, one.kind, day(91)); err == nil {
			t.Errorf("%s: it proves something when it has run out", name)
		}
	}
}

func TestAListThatIsNotTheOperatorsIsRefused(t *testing.T) {
	o, stranger := trustlisttest.NewOperator(t, moment), trustlisttest.NewOperator(t, moment)
	a := authority(t, "Emissora de Ensaio")
	service := trustlisttest.Service{Type: "CA/QC", Status: "withdrawn", Certificate: a.Raw, Kinds: []string{"ForeSeals"}}
	text := trustlisttest.Unsigned(day(-3), day(90), service)
	signed := o.Sign(t, text)
	pinned := []*x509.Certificate{o.Certificate}
	if _, err := trustlist.Read(signed, pinned, moment); err != nil {
		t.Fatal(err)
	}
	change := func(from, to string) []byte {
		changed := bytes.Replace(signed, []byte(from), []byte(to), 1)
		if bytes.Equal(changed, signed) {
			t.Fatalf("%q is not in the list: this test has nothing to look for", from)
		}
		return changed
	}
	for name, one := range map[string]struct {
		data []byte
		at   time.Time
	}{
		"a status that was changed": {change("Svcstatus/withdrawn", "Svcstatus/granted"), moment},
		"a signature that was bent": {change("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"), moment},
		"another operator":          {stranger.Sign(t, text), moment},
		"not signed":                {[]byte(text), moment},
		"run out":                   {signed, day(91)},
		"issued tomorrow":           {o.Sign(t, trustlisttest.Unsigned(day(1), day(90), service)), moment},
		"an operator who has ended": {o.Sign(t, trustlisttest.Unsigned(day(-3), day(900), service)), day(500)},
		"the hash SHA-1":            {o.Sign(t, strings.ReplaceAll(text, "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1")), moment},
		"another list of the Union": {o.Sign(t, strings.Replace(text, "EUgeneric", "EUlistofthelists", 1)), moment},
		"a document type":           {change("?>", "?><!DOCTYPE x [<!ENTITY y \"z\">]>"), moment},
		"a part of it signed":       {o.Sign(t, strings.Replace(text, `<ds:Reference URI="">`, `<ds:Reference URI="#p">`, 1)), moment},
		"wrapped in another list":   {[]byte(`<tsl:TrustServiceStatusList xmlns:tsl="http://uri.etsi.org/02231/v2#">` + string(signed[bytes.IndexByte(signed, '\n'):]) + `</tsl:TrustServiceStatusList>`), moment},
		"two signatures":            {change("</tsl:TrustServiceStatusList>", string(signed[bytes.Index(signed, []byte("<ds:Signature ")):])), moment},
		"another document":          {[]byte("<x/>"), moment},
		"no document":               {[]byte("lista"), moment},
		"deeper than any":           {[]byte(strings.Repeat("<x>", 1000) + strings.Repeat("</x>", 1000)), moment},
		"longer than any":           {bytes.Repeat([]byte(" "), trustlist.MostBytes+1), moment},
		"cut":                       {signed[:len(signed)/2], moment},
	} {
		if l, err := trustlist.Read(one.data, pinned, one.at); err == nil {
			t.Errorf("taken: %s: %+v", name, l)
		}
	}
}

func FuzzRead(f *testing.F) {
	o := trustlisttest.NewOperator(f, moment)
	signed := o.Sign(f, trustlisttest.Unsigned(day(-3), day(90), trustlisttest.Service{Type: "CA/QC", Status: "withdrawn", KeyID: bytes.Repeat([]byte{7}, 20), Kinds: []string{"ForeSeals"}}))
	f.Add(signed)
	f.Add([]byte("<x/>"))
	f.Add([]byte(`<tsl:TrustServiceStatusList xmlns:tsl="http://uri.etsi.org/02231/v2#"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature></tsl:TrustServiceStatusList>`))
	pinned := []*x509.Certificate{o.Certificate}
	a := &x509.Certificate{SubjectKeyId: bytes.Repeat([]byte{7}, 20)}
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := trustlist.Read(data, pinned, moment); err == nil && l.Proves(a, trustlist.Seals, moment) == nil {
			t.Error("what the operator did not sign proves something")
		}
	})
}
