package web

import (
	"net/http"
	"strings"

	"chancela/internal/status"
	"chancela/internal/web/ui"
)

type pkiPage struct {
	Frame   ui.Frame
	Issuers []issuerPart
	Stamps  issuerPart // no name where nobody is given stamps
	Links   []ui.Link
	Crosses []issuerPart
}

type issuerPart struct {
	Name        string
	Facts       []ui.Fact
	Fingerprint string
	Links       []ui.Link
}

// pki shows the certification authorities of this instance to people; machines get the same as data.
func (s *Server) pki(v *visit) error {
	if v.wantsJSON() && s.PKI != nil {
		s.PKI.ServeHTTP(v.w, v.r)
		return nil
	}
	issuers, err := s.Status.Issuers(v.r.Context())
	if err != nil {
		return err
	}
	p := pkiPage{Frame: v.frame(v.say("web.pki"))}
	p.Frame.Lead, p.Frame.Trail = v.say("web.pki.lead"), v.trail()
	for _, one := range issuers {
		p.Issuers = append(p.Issuers, v.issuer(one))
	}
	unit, there, err := s.Status.Unit(v.r.Context())
	if err != nil {
		return err
	}
	if there {
		p.Stamps = issuerPart{Name: v.say("web.pki.stamps"), Facts: []ui.Fact{
			{Label: v.say("web.pki.subject"), Text: unit.Subject},
			{Label: v.say("web.health.ends"), Text: v.day(unit.Ends)},
			{Label: v.say("web.pki.stamps.address"), Body: ui.Typed(unit.Address)},
		}}
	}
	p.Links = []ui.Link{{Text: v.say("web.health"), Href: "/pki/saude"}}
	crosses, err := s.Status.Crosses(v.r.Context())
	if err != nil {
		return err
	}
	for _, one := range crosses {
		p.Crosses = append(p.Crosses, v.cross(one))
	}
	v.w.Header().Set("Vary", "Accept, Cookie, Accept-Language")
	return v.show(http.StatusOK, pkiView(p))
}

func (v *visit) issuer(one status.Issuer) issuerPart {
	kind := v.say("web.pki.issuing")
	if one.Root {
		kind = v.say("web.pki.root")
	}
	part := issuerPart{Name: commonName(one.Subject), Fingerprint: one.Fingerprint, Facts: []ui.Fact{
		{Label: v.say("web.pki.subject"), Text: one.Subject},
		{Label: v.say("web.pki.kind"), Text: kind},
		{Label: v.say("web.pki.standing"), Text: v.say("web.pki.standing." + string(one.Standing))},
		{Label: v.say("web.serial"), Text: one.Serial},
		{Label: v.say("web.validity"), Text: v.say("web.from-until", "from", v.day(one.NotBefore), "until", v.day(one.NotAfter))},
	}}
	for _, l := range []ui.Link{
		{Text: v.say("web.pki.certificate"), Href: one.Certificate, Save: true}, {Text: v.say("web.pki.crl"), Href: one.CRL, Save: true},
		{Text: v.say("web.pki.cps"), Href: one.CPS},
	} {
		if l.Href != "" {
			part.Links = append(part.Links, l)
		}
	}
	if one.OCSP != "" {
		part.Facts = append(part.Facts, ui.Fact{Label: "OCSP", Body: ui.Typed(one.OCSP)})
	}
	return part
}

// cross shows a cross-certificate: which root it leads to, and who vouches for that.
func (v *visit) cross(one status.Cross) issuerPart {
	return issuerPart{Name: commonName(one.Subject), Fingerprint: one.Fingerprint, Facts: []ui.Fact{
		{Label: v.say("web.pki.subject"), Text: one.Subject},
		{Label: v.say("web.pki.by"), Text: one.Issuer},
		{Label: v.say("web.pki.standing"), Text: v.say("web.pki.cross." + string(one.Standing))},
		{Label: v.say("web.serial"), Text: one.Serial},
		{Label: v.say("web.validity"), Text: v.say("web.from-until", "from", v.day(one.NotBefore), "until", v.day(one.NotAfter))},
	}, Links: []ui.Link{{Text: v.say("web.pki.certificate"), Href: one.Certificate, Save: true}}}
}

// commonName is the last part of a distinguished name that people know an authority by.
func commonName(subject string) string {
	_, name, ok := strings.Cut(subject, "CN=")
	if !ok {
		return subject
	}
	name, _, _ = strings.Cut(name, ", ")
	return name
}
