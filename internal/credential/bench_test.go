package credential_test

import (
	"fmt"
	"testing"

	"chancela/internal/db/dbtest"
)

// BenchmarkIssue measures the loop from approved rows to sealed and recorded files, on SQLite.
func BenchmarkIssue(b *testing.B) {
	c := &clock{now: begin}
	k := opened(b, dbtest.Open(b, dbtest.SQLite(b), c.time), c)
	for i := range b.N {
		if err := k.approve(k.asking(fmt.Sprint("c", i), "remark", fmt.Sprint(i), "taxno", fmt.Sprint(500000000+i)), officer("rui")); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	if n, err := k.Work(b.Context()); n != b.N || err != nil {
		b.Fatal(n, err)
	}
}
