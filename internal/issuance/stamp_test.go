package issuance

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/fault"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

func unitValues(name string) map[Attribute]string {
	return map[Attribute]string{Country: "PT", Organization: longBody, OrganizationIdentifier: BodyIdentifier("600000001"), CommonName: name}
}

// stamping is a unit that is certified, and its key.
type stamping struct {
	*hierarchy
	key  Signer
	cert []byte
	unit *StampUnit
}

func newStamping(t testing.TB, a Algorithm, at time.Time, trust Trust) *stamping {
	t.Helper()
	s := &stamping{hierarchy: newHierarchy(t, a, at, trust)}
	key, public := newKey(t, a)
	s.key = key
	s.cert = s.issue(t, order(t, TimeStamping, unitValues("TSU 1"), nil, nil, public), s.issuing, s.issuingKey)
	s.unit = must2(NewStampUnit(s.cert, s.issuing))(t)
	return s
}

// stamp goes the whole way.
func (s *stamping) stamp(t testing.TB, request []byte) ([]byte, error) {
	t.Helper()
	r, err := ParseStampRequest(request)
	if err != nil {
		return RefuseStamp(err), err
	}
	u, err := PrepareStamp(r, s.unit, must2(NewSerial())(t), s.at)
	if err != nil {
		return RefuseStamp(err), err
	}
	linted, report, err := s.linter.Lint(u)
	if err != nil {
		t.Fatalf("%v %+v", err, report)
	}
	return must2(Sign(s.key, linted))(t), nil
}

// wish is a time-stamp request to be built with all that may be wrong with one.
type wish struct {
	version    int64
	hash       asn1.ObjectIdentifier
	null       bool
	parameters []byte // in place of NULL
	digest     []byte
	policy     asn1.ObjectIdentifier
	nonce      *big.Int
	chain      bool
	extensions []cryptobyte.BuilderContinuation
	tail       []byte
}

func plainWish() wish {
	sum := sha256.Sum256([]byte("ata da reunião de exemplo"))
	return wish{version: 1, hash: slices.Clone(oidSHA256), null: true, digest: sum[:]}
}

func (w wish) der(t testing.TB) []byte {
	t.Helper()
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(w.version)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(w.hash)
				if w.null {
					b.AddASN1NULL()
				}
				b.AddBytes(w.parameters)
			})
			b.AddASN1OctetString(w.digest)
		})
		if w.policy != nil {
			b.AddASN1ObjectIdentifier(w.policy)
		}
		if w.nonce != nil {
			b.AddASN1BigInt(w.nonce)
		}
		if w.chain {
			b.AddASN1Boolean(true)
		}
		if len(w.extensions) > 0 {
			b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
				for _, e := range w.extensions {
					e(b)
				}
			})
		}
	})
	return append(must2(b.Bytes())(t), w.tail...)
}

func TestStampRequestsAreReadOrRefusedWithTheRightCode(t *testing.T) {
	with := func(change func(*wish)) []byte {
		w := plainWish()
		change(&w)
		return w.der(t)
	}
	strange := asn1.ObjectIdentifier{2, 999, 9}
	sha1 := asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	const good = StampFailure(-1)
	for name, c := range map[string]struct {
		der  []byte
		want StampFailure
	}{
		"plain":                   {with(func(*wish) {}), good},
		"no parameters":           {with(func(w *wish) { w.null = false }), good},
		"SHA-384":                 {with(func(w *wish) { w.hash[8], w.digest = 2, make([]byte, 48) }), good},
		"SHA-512":                 {with(func(w *wish) { w.hash[8], w.digest = 3, make([]byte, 64) }), good},
		"all wishes":              {with(func(w *wish) { w.policy, w.nonce, w.chain = strange, big.NewInt(-5), true }), good},
		"nonce of 64":             {with(func(w *wish) { w.nonce = new(big.Int).Lsh(big.NewInt(1), 510) }), good},
		"nonce of 65":             {with(func(w *wish) { w.nonce = new(big.Int).Lsh(big.NewInt(1), 512) }), BadDataFormat},
		"version 2":               {with(func(w *wish) { w.version = 2 }), BadRequest},
		"version 0":               {with(func(w *wish) { w.version = 0 }), BadRequest},
		"SHA-1":                   {with(func(w *wish) { w.hash, w.digest = sha1, make([]byte, 20) }), BadAlg},
		"unknown hash":            {with(func(w *wish) { w.hash = strange }), BadAlg},
		"parameters":              {with(func(w *wish) { w.null, w.parameters = false, []byte{0x30, 0} }), BadAlg},
		"parameters twice":        {with(func(w *wish) { w.parameters = []byte{5, 0} }), BadAlg},
		"short digest":            {with(func(w *wish) { w.digest = w.digest[:31] }), BadDataFormat},
		"long digest":             {with(func(w *wish) { w.digest = append(w.digest, 0) }), BadDataFormat},
		"digest of another hash":  {with(func(w *wish) { w.digest = make([]byte, 64) }), BadDataFormat},
		"critical extension":      {with(func(w *wish) { w.extensions = []cryptobyte.BuilderContinuation{ext(strange, true, nil)} }), UnacceptedExtension},
		"extension":               {with(func(w *wish) { w.extensions = []cryptobyte.BuilderContinuation{ext(strange, false, nil)} }), UnacceptedExtension},
		"no extension":            {with(func(w *wish) { w.extensions = []cryptobyte.BuilderContinuation{func(*cryptobyte.Builder) {}} }), BadDataFormat},
		"something behind":        {with(func(w *wish) { w.tail = []byte{0} }), BadDataFormat},
		"nothing":                 {nil, BadDataFormat},
		"indefinite length":       {[]byte{0x30, 0x80, 0, 0}, BadDataFormat},
		"a length beyond the end": {[]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, BadDataFormat},
		"too large":               {append(with(func(*wish) {}), make([]byte, MaxStampRequest)...), BadDataFormat},
	} {
		got := good
		_, err := ParseStampRequest(c.der)
		if err != nil {
			var ok bool
			if got, ok = errors.AsType[StampFailure](err); !ok {
				t.Errorf("%s: %v is no answer of the protocol", name, err)
				continue
			}
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// openTime is a hierarchy on disk with a document, for openssl, which looks at its own clock.
func openTime(t *testing.T, a Algorithm) (*stamping, string) {
	t.Helper()
	s := newStamping(t, a, time.Now(), Trust{})
	dir := t.TempDir()
	write(t, dir, "root.pem", PEM(s.root.Certificate()))
	write(t, dir, "chain.pem", PEM(s.cert, s.issuing.Certificate()))
	write(t, dir, "document", []byte("ata da reunião de exemplo"))
	return s, dir
}

func TestOpenSSLVerifiesStampsAndRefusesAlteredOnes(t *testing.T) {
	for _, a := range []Algorithm{ECP256, ECP384, ECP521, RSA3072} {
		t.Run(string(a), func(t *testing.T) {
			s, dir := openTime(t, a)
			for _, hash := range []string{"-sha256", "-sha384", "-sha512"} {
				tool(t, dir, "openssl", "ts", "-query", "-data", "document", hash, "-cert", "-tspolicy", "2.999.1.1.20", "-out", "asked.tsq")
				reply := must2(s.stamp(t, readFile(t, dir, "asked.tsq")))(t)
				write(t, dir, "given.tsr", reply)
				verify := []string{"ts", "-verify", "-queryfile", "asked.tsq", "-in", "given.tsr", "-CAfile", "root.pem"}
				if out := tool(t, dir, "openssl", verify...); !strings.Contains(out, "Verification: OK") {
					t.Error(out)
				}
				text := tool(t, dir, "openssl", "ts", "-reply", "-in", "given.tsr", "-text")
				for _, want := range []string{"Status: Granted", "Policy OID: 2.999.1.1.20", "Accuracy: 0x01 seconds", "Ordering: no", "TSA: DirName:/C=PT", "Extensions:"} {
					if !strings.Contains(text, want) {
						t.Errorf("missing %q in\n%s", want, text)
					}
				}
				for _, at := range []int{len(reply) - 5, len(reply) / 2, bytes.Index(reply, must2(ParseStampRequest(readFile(t, dir, "asked.tsq")))(t).Digest) + 3} {
					changed := bytes.Clone(reply)
					changed[at] ^= 1
					write(t, dir, "given.tsr", changed)
					refused(t, dir, "openssl", verify...)
				}
			}
		})
	}
}

func TestAStampWithoutCertificatesIsVerifiedWithThem(t *testing.T) {
	s, dir := openTime(t, ECP256)
	tool(t, dir, "openssl", "ts", "-query", "-data", "document", "-sha256", "-no_nonce", "-out", "asked.tsq")
	write(t, dir, "given.tsr", must2(s.stamp(t, readFile(t, dir, "asked.tsq")))(t))
	refused(t, dir, "openssl", "ts", "-verify", "-queryfile", "asked.tsq", "-in", "given.tsr", "-CAfile", "root.pem")
	tool(t, dir, "openssl", "ts", "-verify", "-data", "document", "-in", "given.tsr", "-CAfile", "root.pem", "-untrusted", "chain.pem")
	write(t, dir, "document", []byte("outra ata"))
	refused(t, dir, "openssl", "ts", "-verify", "-data", "document", "-in", "given.tsr", "-CAfile", "root.pem", "-untrusted", "chain.pem")
}

func TestOpenSSLReadsEveryRefusal(t *testing.T) {
	dir := t.TempDir()
	for failure, want := range map[StampFailure]string{
		BadAlg: "unrecognized or unsupported algorithm", BadRequest: "transaction not permitted", BadDataFormat: "data submitted has the wrong format",
		TimeNotAvailable: "time source is not available", UnacceptedPolicy: "policy is not supported", UnacceptedExtension: "extension is not supported",
		AddInfoNotAvailable: "additional information requested", SystemFailure: "request cannot be handled due to system failure",
	} {
		write(t, dir, "refused.tsr", RefuseStamp(failure))
		text := tool(t, dir, "openssl", "ts", "-reply", "-in", "refused.tsr", "-text")
		if !strings.Contains(text, "Status: Rejected") || !strings.Contains(text, want) || !strings.Contains(text, failure.Error()) {
			t.Errorf("%v:\n%s", failure, text)
		}
	}
	if len(StampFailures()) != 8 {
		t.Error("a refusal is not tried")
	}
	if told := RefuseStamp(fault.New(fault.Unavailable, "segredo")); bytes.Contains(told, []byte("segredo")) || !bytes.Equal(told, RefuseStamp(SystemFailure)) {
		t.Error("a refusal tells what is ours")
	}
}

func TestPoliciesOfStampsAreThoseTheInstanceMaySay(t *testing.T) {
	w := plainWish()
	w.policy = oidBTSP
	s := newStamping(t, ECP256, moment, Trust{})
	if _, err := s.stamp(t, w.der(t)); !errors.Is(err, UnacceptedPolicy) {
		t.Errorf("an instance that nobody audits stamps under the best practices policy: %v", err)
	}
	s = newStamping(t, ECP256, moment, listed(t, "QSCD-1"))
	got := must2(readStamp(must2(s.stamp(t, w.der(t)))(t)))(t)
	if !got.policy.Equal(oidBTSP) {
		t.Error(got.policy)
	}
	got = must2(readStamp(must2(s.stamp(t, plainWish().der(t)))(t)))(t)
	if !got.policy.Equal(s.trust.StampPolicies()[0]) {
		t.Error(got.policy)
	}
}

func TestNoTwoStampsShareASerialNumber(t *testing.T) {
	s := newStamping(t, ECP256, moment, Trust{})
	seen := map[string]bool{}
	for range 200 {
		seen[must2(readStamp(must2(s.stamp(t, plainWish().der(t)))(t)))(t).number.String()] = true
	}
	if len(seen) != 200 {
		t.Errorf("%d serial numbers of 200 stamps", len(seen))
	}
}

// TestAUnitStampsOnlyWithinTheTimeOfItsKey: the certificate lasts longer, so that stamps can be checked.
func TestAUnitStampsOnlyWithinTheTimeOfItsKey(t *testing.T) {
	s := newStamping(t, ECP256, moment, Trust{})
	cert := must2(parse(s.cert))(t)
	if !s.unit.Ends().Equal(cert.NotBefore.AddDate(1, 0, 0).Add(-time.Second)) || cert.NotAfter.Before(s.unit.Ends().AddDate(2, 0, 0)) {
		t.Errorf("the key signs till %s, the certificate lasts till %s", s.unit.Ends(), cert.NotAfter)
	}
	for at, want := range map[time.Time]error{
		cert.NotBefore: nil, s.unit.Ends(): nil,
		cert.NotBefore.Add(-time.Millisecond): TimeNotAvailable, s.unit.Ends().Add(time.Millisecond): TimeNotAvailable,
	} {
		s.at = at
		if _, err := s.stamp(t, plainWish().der(t)); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
}

func TestOnlyACertificateForStampsAloneIsAUnit(t *testing.T) {
	_, _, issued := published(t, ECP256)
	s := newStamping(t, ECP256, moment, Trust{})
	for name, der := range issued {
		if _, err := NewStampUnit(der, s.issuing); err == nil {
			t.Errorf("%s stamps", name)
		}
	}
	if _, err := NewStampUnit(s.cert, s.root); err == nil {
		t.Error("a unit of another issuer")
	}
	if _, err := NewStampUnit(s.responderCert, s.issuing); err == nil {
		t.Error("a responder stamps")
	}
}

// TestStampsThatWouldMisleadAreNotSigned changes each thing that a lint watches, in what is about to be signed.
func TestStampsThatWouldMisleadAreNotSigned(t *testing.T) {
	s := newStamping(t, ECP256, moment, Trust{})
	other := newStamping(t, ECP256, moment, Trust{})
	w := plainWish()
	w.nonce, w.chain = big.NewInt(7), true
	prepared := func() Unsigned {
		return must2(PrepareStamp(must2(ParseStampRequest(w.der(t)))(t), s.unit, serialOf(1), moment))(t)
	}
	if _, report, err := s.linter.Lint(prepared()); err != nil || report.Passed < len(stampLints()) {
		t.Fatalf("%v %+v", err, report)
	}
	// again builds the message anew around another content.
	again := func(u *Unsigned, content []byte) {
		u.stamp.message.Content = content
		copied := prepared()
		u.tbs = bytes.Replace(copied.tbs, u.stamp.message.Suite.Sum(copied.stamp.message.Content), u.stamp.message.Suite.Sum(content), 1)
	}
	info := func(change func(r *StampRequest, unit *StampUnit, policy *asn1.ObjectIdentifier, serial *big.Int, at *time.Time)) func(*Unsigned) {
		return func(u *Unsigned) {
			r, unit, policy, serial, at := u.stamp.request, *s.unit, s.trust.StampPolicies()[0], serialOf(1), moment
			change(&r, &unit, &policy, serial, &at)
			again(u, must2(r.info(policy, &unit, serial, at))(t))
		}
	}
	type (
		R = *StampRequest
		U = *StampUnit
		P = *asn1.ObjectIdentifier
		S = *big.Int
		T = *time.Time
	)
	for want, break1 := range map[string]func(*Unsigned){
		"ours_tst_imprint": info(func(r R, _ U, _ P, _ S, _ T) {
			r.imprint = bytes.Clone(r.imprint)
			r.imprint[len(r.imprint)-1] ^= 1
		}),
		"ours_tst_policy": info(func(_ R, _ U, p P, _ S, _ T) { *p = oidBTSP }),
		"ours_tst_serial": info(func(_ R, _ U, _ P, n S, _ T) { n.SetInt64(1) }),
		"ours_tst_time":   info(func(_ R, _ U, _ P, _ S, at T) { *at = moment.AddDate(2, 0, 0) }),
		"ours_tst_nonce":  info(func(r R, _ U, _ P, _ S, _ T) { r.Nonce = nil }),
		"ours_tst_name":   info(func(_ R, u U, _ P, _ S, _ T) { u.certificate = other.issuing.certificate }),
		"ours_tst_attributes": func(u *Unsigned) {
			u.stamp.message.Content = must2(u.stamp.request.info(s.trust.StampPolicies()[0], s.unit, serialOf(2), moment))(t)
		},
		"ours_tst_signing_certificate": func(u *Unsigned) {
			sum := u.stamp.message.Suite.Sum
			u.tbs = bytes.Replace(u.tbs, sum(s.cert), sum(other.cert), 1)
		},
		"ours_tst_certificates": func(u *Unsigned) { u.stamp.message.Certificates = nil },
		"ours_tst_form":         func(u *Unsigned) { u.stamp.message.Signer = must2(parse(s.responderCert))(t) },
		"ours_tst_unit": func(u *Unsigned) {
			unit := *u.stamp.unit
			unit.certificate = must2(parse(s.responderCert))(t)
			u.stamp.unit = &unit
		},
		"ours_tst_accuracy": func(u *Unsigned) {
			again(u, bytes.Replace(u.stamp.message.Content, []byte{0x30, 3, 2, 1, 1}, []byte{0x30, 3, 2, 1, 2}, 1))
		},
		"ours_tst_ordering": func(u *Unsigned) {
			again(u, inserted(t, u.stamp.message.Content, []byte{0x30, 3, 2, 1, 1}, []byte{1, 1, 0xff}))
		},
		"ours_tst_extensions": func(u *Unsigned) {
			var whole asn1.RawValue
			must2(asn1.Unmarshal(u.stamp.message.Content, &whole))(t)
			whole.Bytes, whole.FullBytes = append(bytes.Clone(whole.Bytes), 0xa1, 0), nil
			again(u, must2(asn1.Marshal(whole))(t))
		},
		"ours_tst_readable": func(u *Unsigned) { again(u, []byte("nada")) },
	} {
		u := prepared()
		break1(&u)
		_, report, err := s.linter.Lint(u)
		found := false
		for _, f := range report.Findings {
			found = found || f.Lint == want
		}
		if !errors.Is(err, ErrLint) || !found {
			t.Errorf("%s: %v %+v", want, err, report.Findings)
		}
	}
}

// inserted puts bytes behind others inside a SEQUENCE.
func inserted(t *testing.T, der, behind, more []byte) []byte {
	t.Helper()
	var whole asn1.RawValue
	must2(asn1.Unmarshal(der, &whole))(t)
	i := bytes.Index(whole.Bytes, behind) + len(behind)
	whole.Bytes = bytes.Join([][]byte{whole.Bytes[:i], more, whole.Bytes[i:]}, nil)
	whole.FullBytes = nil
	return must2(asn1.Marshal(whole))(t)
}

func TestAStampTokenSignsOnceWithItsUnitsKeyOnly(t *testing.T) {
	s := newStamping(t, ECP256, moment, Trust{})
	u := must2(PrepareStamp(must2(ParseStampRequest(plainWish().der(t)))(t), s.unit, serialOf(1), moment))(t)
	linted, _, err := s.linter.Lint(u)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(s.issuingKey, linted); err == nil {
		t.Error("the issuer's key stamps")
	}
	must2(Sign(s.key, linted))(t)
	if _, err := Sign(s.key, linted); !errors.Is(err, ErrUsed) {
		t.Error(err)
	}
}

// TestMutatedStampRequestsAreAnsweredOrRefused changes honest requests at random: each answer is a stamp of exactly what
// was asked, or a refusal of the protocol. CHANCELA_TEST_MUTATIONS asks for more than the first thousands.
func TestMutatedStampRequestsAreAnsweredOrRefused(t *testing.T) {
	s := newStamping(t, ECP256, moment, Trust{})
	w := plainWish()
	w.policy, w.nonce, w.chain = s.trust.StampPolicies()[0], big.NewInt(1234567890123), true
	seeds := [][]byte{plainWish().der(t), w.der(t)}
	random := mathrand.New(mathrand.NewPCG(1, 2))
	granted := 0
	for i := range mutations(t) {
		der := mutate(random, seeds[i%len(seeds)])
		reply, err := s.stamp(t, der)
		if err != nil {
			if _, ok := errors.AsType[StampFailure](err); !ok {
				t.Fatalf("%x: %v", der, err)
			}
			continue
		}
		granted++
		if got := must2(readStamp(reply))(t); !bytes.Contains(der, got.imprint) {
			t.Fatalf("%x: a stamp of something else", der)
		}
	}
	if granted == 0 {
		t.Error("no mutation was harmless: they try nothing behind the parser")
	}
}

func mutations(t *testing.T) int {
	t.Helper()
	if n, ok := new(big.Int).SetString(os.Getenv("CHANCELA_TEST_MUTATIONS"), 10); ok {
		return int(n.Int64())
	}
	return 20000
}

// mutate changes, takes away or adds a few bytes.
func mutate(random *mathrand.Rand, der []byte) []byte {
	der = bytes.Clone(der)
	for range 1 + random.IntN(3) {
		if len(der) == 0 {
			return der
		}
		at := random.IntN(len(der))
		switch random.IntN(4) {
		case 0:
			der[at] = byte(random.Uint32())
		case 1:
			der[at] ^= 1 << random.IntN(8)
		case 2:
			der = append(der[:at], der[at+1:]...)
		case 3:
			der = append(der[:at], append([]byte{byte(random.Uint32())}, der[at:]...)...)
		}
	}
	return der
}

func FuzzParseStampRequest(f *testing.F) {
	f.Add(plainWish().der(f))
	w := plainWish()
	w.policy, w.nonce, w.chain = oidBTSP, big.NewInt(-1), true
	w.extensions = []cryptobyte.BuilderContinuation{ext(oidNonce, true, octets(8))}
	f.Add(w.der(f))
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseStampRequest(data)
		if err != nil {
			if _, ok := errors.AsType[StampFailure](err); !ok {
				t.Error(err)
			}
			return
		}
		if r.Hash != crypto.SHA256 && r.Hash != crypto.SHA384 && r.Hash != crypto.SHA512 || len(r.Digest) != r.Hash.Size() || len(data) > MaxStampRequest {
			t.Errorf("%+v", r)
		}
	})
}

func BenchmarkStamp(b *testing.B) {
	s := newStamping(b, ECP256, moment, Trust{})
	w := plainWish()
	w.chain, w.nonce = true, must2(rand.Int(rand.Reader, big.NewInt(1<<62)))(b)
	der := w.der(b)
	for b.Loop() {
		if _, err := s.stamp(b, der); err != nil {
			b.Fatal(err)
		}
	}
}
