package issuance

import (
	"slices"
	"time"
)

// A sample is a test certificate of a profile, for whoever wants to try programs against it: EN 319 411-1, section
// 6.9.2, asks for one of each kind, marked as such. Its subject is nobody, and says so in every name it has; its names
// are in a domain that cannot exist (RFC 6761, section 6.4).

// The subject of every sample. The number is the one that the tax authority gives to nobody.
const (
	sampleBody  = TestMark + " - Entidade inventada"
	sampleNIPC  = "999999990"
	sampleHost  = "teste.invalid"
	sampleEmail = "teste@teste.invalid"
)

// HasSamples says whether there may be samples of a profile: those of holders, but for keys in a device, since the
// sample's key is in none and its certificate would be untrue.
func (p Profile) HasSamples() bool {
	own := []string{OCSPResponder, TimeStamping}
	return !p.Authority && !slices.Contains(own, p.Key) && !NeedsDevice(p.Key)
}

// SampleOrder is the order of a sample; until, if not zero, is when it shall expire.
func SampleOrder(p Profile, key Key, until time.Time) (Order, error) {
	all := map[Attribute]string{
		Country: "PT", Organization: sampleBody, OrganizationIdentifier: BodyIdentifier(sampleNIPC), Unit: TestMark, Locality: TestMark,
		Title: TestMark, Surname: TestMark, GivenName: "Titular", SerialNumber: TestMark, CommonName: TestMark + " - Titular inventado",
	}
	values := map[Attribute]string{}
	for _, rule := range p.Subject {
		values[rule.Type] = all[rule.Type]
	}
	name, err := p.Name(values)
	if err != nil {
		return Order{}, err
	}
	var dns, emails []string
	if p.DNS == Required {
		dns = []string{sampleHost}
	}
	if p.Email == Required {
		emails = []string{sampleEmail}
	}
	return p.Order(name, dns, emails, key, until)
}

// IsSample says whether an order is exactly what [SampleOrder] makes: the subject's key and the end aside, nothing in it
// can be anybody's.
func (o Order) IsSample() bool {
	p, err := profileAt(o.Profile, o.Version)
	if err != nil || !p.HasSamples() {
		return false
	}
	key, err := ReadKey(o.PublicKey)
	if err != nil {
		return false
	}
	same, err := SampleOrder(p, key, o.Validity.Until)
	if err != nil {
		return false
	}
	a, err1 := same.Digest()
	b, err2 := o.Digest()
	return err1 == nil && err2 == nil && a == b
}
