package issuance

// Statement is a statement of the qcStatements extension (EN 319 412-5, RFC 3739).
type Statement string

// The statements in use. Only the semantics of an identifier may be said by an instance that is not qualified.
const (
	SemanticsLegal Statement = "semantics-legal"
	QcCompliance   Statement = "QcCompliance"
	QcSSCD         Statement = "QcSSCD"
	QcPDS          Statement = "QcPDS"
	QcTypeSeal     Statement = "QcType-eseal"
)
