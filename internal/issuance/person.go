package issuance

import "slices"

// IsPersons says whether certificates of a profile (by its key) speak for a natural person: the subject must then hold
// given names. Only theirs may be suspended. It is false for a key that is unknown.
func IsPersons(profile string) bool {
	p, err := ProfileOf(profile)
	return err == nil && slices.ContainsFunc(p.Subject, func(r SubjectRule) bool { return r.Type == GivenName && r.Presence == Required })
}
