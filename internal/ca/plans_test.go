package ca

import (
	"strings"
	"testing"
	"time"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
)

// TestWhatIsAskedAllTheTimeReadsNoWholeTable: both engines choose so of the same indexes; SQLite says what it chose.
func TestWhatIsAskedAllTheTimeReadsNoWholeTable(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t), time.Now)
	for name, query := range map[string]string{"due": queryDue, "due of orders": queryDueOfOrders, "crosses": queryCrosses} {
		err := d.Look(t.Context(), func(tx *db.Tx) error {
			steps, err := db.Collect(t.Context(), tx, func(scan func(...any) error) (step string, err error) {
				var id, parent, unused int
				err = scan(&id, &parent, &unused, &step)
				return step, err
			}, `EXPLAIN QUERY PLAN `+query, db.Time(time.Now()))
			for _, step := range steps {
				if strings.HasPrefix(step, "SCAN ca_certificate") && !strings.Contains(step, "ca_certificate_cross") {
					t.Errorf("%s: %s", name, step)
				}
			}
			return err
		})
		if err != nil {
			t.Error(name, err)
		}
	}
}
