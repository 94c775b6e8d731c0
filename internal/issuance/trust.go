package issuance

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// TestMark is what every issuer's name carries while the instance is not proven qualified.
const TestMark = "TESTE"

// Trust is the truthfulness switch: what an instance may claim in what it issues. Its zero value may claim nothing:
// no QcCompliance, no QcSSCD, no ETSI policy, and its issuers' names must carry [TestMark].
type Trust struct {
	proof Proof
	set   bool
}

// Proof is what an operator must show before certificates may claim more.
type Proof struct {
	TrustedList string                // https address of the service's entry in the EU trusted list
	PolicyArc   asn1.ObjectIdentifier // the operator's own arc for its certificate policies
	QSCD        string                // id of the certified device that holds the subjects' keys; "" for none
	PDS         map[string]string     // https addresses of the PKI disclosure statement by language, "en" among them
}

// Qualified makes the Trust of a listed qualified service, if the proof is whole.
func Qualified(p Proof) (Trust, error) {
	if !isURL(p.TrustedList, "https") {
		return Trust{}, errors.New("issuance: a qualified instance names its entry in the trusted list (https)")
	}
	if len(p.PolicyArc) < 3 || p.PolicyArc[0] == 2 && p.PolicyArc[1] == 999 {
		return Trust{}, errors.New("issuance: a qualified instance has a policy arc of its own, not an example's")
	}
	if p.PDS["en"] == "" { // EN 319 412-5, QCS-4.3.4: at least English
		return Trust{}, errors.New("issuance: the disclosure statement must exist in English")
	}
	for language, address := range p.PDS {
		if len(language) != 2 || strings.ToLower(language) != language || !isURL(address, "https") {
			return Trust{}, errors.New("issuance: a disclosure statement is a two-letter language and an https address")
		}
	}
	return Trust{proof: p, set: true}, nil
}

// ParseArc reads an object identifier from its dotted form.
func ParseArc(text string) (arc asn1.ObjectIdentifier, err error) {
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("issuance: %q is no object identifier, such as 1.3.6.1.4.1.N.1", text)
		}
		arc = append(arc, int(n))
	}
	return arc, nil
}

// IsQualified says whether certificates may claim to be qualified.
func (t Trust) IsQualified() bool { return t.set }

// testArc is ITU-T X.660's example arc with ours below it: never a real policy.
func testArc() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 999, 1, 1} }

// policy gives our own policy identifier of a profile.
func (t Trust) policy(last int) asn1.ObjectIdentifier {
	arc := testArc()
	if t.set {
		arc = t.proof.PolicyArc
	}
	return append(append(asn1.ObjectIdentifier{}, arc...), last)
}

func isURL(address, scheme string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == scheme && u.Host != "" && u.User == nil && isPrintableASCII(address)
}

func isPrintableASCII(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
