package issuance

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"maps"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Statement is a statement of the qcStatements extension (EN 319 412-5, RFC 3739).
type Statement string

// The statements in use. Only the semantics of an identifier may be said by an instance that is not qualified.
const (
	SemanticsLegal   Statement = "semantics-legal"   // the subject's organizationIdentifier is one of EN 319 412-1 §5.1.4
	SemanticsNatural Statement = "semantics-natural" // the subject's serialNumber is one of §5.1.3; left out where it is not
	QcCompliance     Statement = "QcCompliance"      // EN 319 412-5 §4.2.1
	QcSSCD           Statement = "QcSSCD"            // §4.2.2; only if the key is in a QSCD
	QcPDS            Statement = "QcPDS"             // §4.3.4
	QcTypeSign       Statement = "QcType-esign"      // §4.2.3
	QcTypeSeal       Statement = "QcType-eseal"      // §4.2.3; mandatory for seals
	QcTypeWeb        Statement = "QcType-web"        // §4.2.3; mandatory for websites
)

var (
	oidPolicies     = asn1.ObjectIdentifier{2, 5, 29, 32}
	oidAnyPolicy    = asn1.ObjectIdentifier{2, 5, 29, 32, 0}
	oidCPS          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 1}
	oidQCStatements = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	oidNoCheck      = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
	oidSemantics    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 11, 2}
	oidNatural      = asn1.ObjectIdentifier{0, 4, 0, 194121, 1, 1}
	oidLegal        = asn1.ObjectIdentifier{0, 4, 0, 194121, 1, 2}
	oidQcCompliance = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 1}
	oidQcSSCD       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 4}
	oidQcPDS        = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 5}
	oidQcType       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6}
	oidQcTypeSign   = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 1}
	oidQcTypeSeal   = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 2}
	oidQcTypeWeb    = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 3}
)

// extraExtensions builds what the standard library's template cannot say.
func extraExtensions(p Profile, subject Name, issuer *Issuer) ([]pkix.Extension, error) {
	policies, err := policyExtension(p, issuer)
	if err != nil {
		return nil, err
	}
	out := []pkix.Extension{policies}
	if said := issuer.trust.statements(p.QC, subject); len(said) > 0 {
		qc, err := statementExtension(said, issuer.trust.proof)
		if err != nil {
			return nil, err
		}
		out = append(out, qc)
	}
	if p.Sole {
		usage, err := criticalUsage(p.Extended)
		if err != nil {
			return nil, err
		}
		out = append(out, usage)
	}
	if p.NoCheck { // RFC 6960 §4.2.2.2.1: value NULL, not critical
		out = append(out, pkix.Extension{Id: oidNoCheck, Value: asn1.NullBytes})
	}
	return out, nil
}

// statements keeps those that the instance may say of a subject.
func (t Trust) statements(of []Statement, subject Name) []Statement {
	return slices.DeleteFunc(slices.Clone(of), func(s Statement) bool {
		switch s {
		case SemanticsLegal:
			return false
		case SemanticsNatural:
			return !hasNaturalForm(subject.Value(SerialNumber))
		case QcSSCD:
			return !t.IsQualified() || t.proof.QSCD == ""
		}
		return !t.IsQualified()
	})
}

// QualifiedFor is the statement that tells what a profile's qualified certificates are for; "" for a profile that has none.
func (p Profile) QualifiedFor() Statement {
	for _, s := range p.QC {
		if s == QcTypeSign || s == QcTypeSeal || s == QcTypeWeb {
			return s
		}
	}
	return ""
}

// Says gives the statements that a certificate of an order makes on an instance of this Trust.
func (t Trust) Says(o Order) []Statement {
	p, err := profileAt(o.Profile, o.Version)
	if err != nil {
		return nil
	}
	return t.statements(p.QC, o.Subject)
}

// etsiPolicy gives the ETSI policy that a profile conforms to and the instance is audited against, or nil.
func (t Trust) etsiPolicy(p Profile) asn1.ObjectIdentifier {
	switch {
	case !t.IsQualified():
		return nil
	case t.proof.QSCD != "" && p.ETSIQSCD != nil:
		return p.ETSIQSCD
	}
	return p.ETSI
}

// policyExtension carries our own policy with the practice statement's address, and the ETSI policy only where the
// instance is proven to be audited against it (EN 319 412-2 GEN-4.3.3-1, -2: present, not critical).
func policyExtension(p Profile, issuer *Issuer) (pkix.Extension, error) {
	own := oidAnyPolicy
	if p.Policy != anyPolicy {
		own = issuer.trust.policy(p.Policy)
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(own)
			if issuer.urls.CPS != "" {
				addCPS(b, issuer.urls.CPS)
			}
		})
		if etsi := issuer.trust.etsiPolicy(p); etsi != nil {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(etsi) })
		}
	})
	value, err := b.Bytes()
	return pkix.Extension{Id: oidPolicies, Value: value}, err
}

func addCPS(b *cryptobyte.Builder, address string) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidCPS)
			b.AddASN1(cbasn1.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(address)) })
		})
	})
}

// statementExtension encodes qcStatements: not critical, none twice (QCS-4.1-02, -02A).
func statementExtension(said []Statement, proof Proof) (pkix.Extension, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, s := range said {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addStatement(b, s, proof) })
		}
	})
	value, err := b.Bytes()
	return pkix.Extension{Id: oidQCStatements, Value: value}, err
}

func addStatement(b *cryptobyte.Builder, s Statement, proof Proof) {
	sequence := func(oids ...asn1.ObjectIdentifier) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, oid := range oids {
				b.AddASN1ObjectIdentifier(oid)
			}
		})
	}
	switch s {
	case SemanticsLegal:
		b.AddASN1ObjectIdentifier(oidSemantics)
		sequence(oidLegal)
	case QcCompliance:
		b.AddASN1ObjectIdentifier(oidQcCompliance)
	case QcSSCD:
		b.AddASN1ObjectIdentifier(oidQcSSCD)
	case SemanticsNatural:
		b.AddASN1ObjectIdentifier(oidSemantics)
		sequence(oidNatural)
	case QcTypeSign:
		b.AddASN1ObjectIdentifier(oidQcType)
		sequence(oidQcTypeSign)
	case QcTypeSeal:
		b.AddASN1ObjectIdentifier(oidQcType)
		sequence(oidQcTypeSeal)
	case QcTypeWeb:
		b.AddASN1ObjectIdentifier(oidQcType)
		sequence(oidQcTypeWeb)
	case QcPDS:
		b.AddASN1ObjectIdentifier(oidQcPDS)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, language := range slices.Sorted(maps.Keys(proof.PDS)) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(proof.PDS[language])) })
					b.AddASN1(cbasn1.PrintableString, func(b *cryptobyte.Builder) { b.AddBytes([]byte(language)) })
				})
			}
		})
	}
}
