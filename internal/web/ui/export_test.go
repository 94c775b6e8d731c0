package ui

import "testing"

// ClassesThatDisagree lists classes of pages without a rule, and rules without a page.
func ClassesThatDisagree(t *testing.T, pages map[string]string) []string {
	return classesAgree(sheet(t), pages)
}
