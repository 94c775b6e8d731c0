package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

// mostRequest is the most bytes that a key request may have, PEM or DER: what the rooms below read, and not one more.
const mostRequest = 16 << 10

// requestMedia are the types of a key request: RFC 5967, and what tools that know it not call PEM.
func requestMedia() []string {
	return []string{"application/pkcs10", "application/x-pem-file", "application/octet-stream", "text/plain"}
}

// issue has a key certified under the token's mandate. It is durable before it is answered; asked again for the same
// key, it answers with the same certificate.
func (h *Handler) issue(x *exchange) error {
	b, err := x.bearer()
	if err != nil {
		return err
	}
	request, err := x.body(mostRequest, requestMedia()...)
	if err != nil {
		return err
	}
	c, err := h.c.Certificates.IssueUnder(x.r.Context(), b, request)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if c.Again {
		status = http.StatusOK
	}
	x.w.Header().Set("Location", "/api/v1/certificates/"+c.Key)
	x.send(status, "application/pem-certificate-chain", certificate.ChainPEM(c.Chain)) // RFC 8555 §9.1
	return nil
}

// state is a certificate as data.
type state struct {
	Serial    string     `json:"serial"`
	State     string     `json:"state"`
	IssuedAt  time.Time  `json:"issued_at"`
	NotAfter  time.Time  `json:"not_after"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	PEM       string     `json:"certificate"`
}

// reasons are the reasons for which a body revokes, by their names in RFC 5280 §5.3.1.
func reasons() map[string]int {
	return map[string]int{"unspecified": 0, "keyCompromise": 1, "affiliationChanged": 3, "superseded": 4, "cessationOfOperation": 5}
}

func stateOf(c certificate.Certified) state {
	s := state{
		Serial: c.Key, State: string(c.Standing), IssuedAt: c.IssuedAt.UTC(), NotAfter: c.NotAfter.UTC(), PEM: string(certificate.ChainPEM(c.Chain)),
	}
	if c.Standing == certificate.Revoked {
		at := c.RevokedAt.UTC()
		s.RevokedAt, s.Reason = &at, "privilegeWithdrawn" // an officer's alone, if none of those below
		for name, code := range reasons() {
			if code == c.Reason {
				s.Reason = name
			}
		}
	}
	return s
}

// certificate tells how one of the token's own certificates stands.
func (h *Handler) certificate(x *exchange) error {
	b, err := x.bearer()
	if err != nil {
		return err
	}
	c, err := h.c.Certificates.OneUnder(x.r.Context(), b, x.r.PathValue("serial"))
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, stateOf(c))
}

// revoke revokes one of the token's own certificates, for good.
func (h *Handler) revoke(x *exchange) error {
	b, err := x.bearer()
	if err != nil {
		return err
	}
	body, err := x.body(1<<10, "application/json")
	if err != nil {
		return err
	}
	var asked struct {
		Reason string `json:"reason"`
	}
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	if err := in.Decode(&asked); err != nil || in.More() {
		return fault.New(fault.Malformed, "api.json")
	}
	reason, known := reasons()[asked.Reason]
	if !known {
		return fault.Fields([]fault.Field{{Name: "reason", Key: "E-LST-01"}})
	}
	c, err := h.c.Certificates.RevokeUnder(x.r.Context(), b, x.r.PathValue("serial"), reason)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, stateOf(c))
}

// trial is what a dry run says.
type trial struct {
	Passes      bool   `json:"passes"`
	Rules       int    `json:"rules_passed"`
	Stops       []stop `json:"stops"`
	Certificate []line `json:"certificate"`
}

type stop struct {
	Rule   string `json:"rule"`
	Cites  string `json:"cites,omitempty"`
	Detail string `json:"detail"`
}

type line struct {
	Field string `json:"field"`
	Label string `json:"label"`
	Value string `json:"value"`
}

// dryRun says what issue would do, and does nothing.
func (h *Handler) dryRun(x *exchange) error {
	b, err := x.bearer()
	if err != nil {
		return err
	}
	request, err := x.body(mostRequest, requestMedia()...)
	if err != nil {
		return err
	}
	t, err := h.c.Certificates.TryUnder(x.r.Context(), b, request)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, x.trialOf(t))
}

func (x *exchange) trialOf(t portal.Trial) trial {
	out := trial{Passes: t.Passes(), Rules: t.Passed, Stops: []stop{}, Certificate: []line{}}
	for _, s := range t.Stops {
		detail := s.Detail
		if s.Says != "" {
			detail = x.say(s.Says, s.Args)
		}
		out.Stops = append(out.Stops, stop{Rule: s.Rule, Cites: s.Cites, Detail: detail})
	}
	for _, l := range t.Text {
		field := l.Label[strings.LastIndexByte(l.Label, '.')+1:]
		out.Certificate = append(out.Certificate, line{Field: field, Label: x.say(l.Label, nil), Value: l.Value})
	}
	return out
}

//go:embed openapi.yaml
var document []byte

// openAPI serves the document of this interface.
func (h *Handler) openAPI(x *exchange) error {
	x.w.Header().Set("Cache-Control", "no-cache")
	x.send(http.StatusOK, "application/yaml", document) // RFC 9512
	return nil
}
