package app

import (
	"fmt"
	"net/http"
)

// Operations answers the operator's machines: health and a few figures in Prometheus' text form. It listens where the
// settings say, never beside the pages.
func (a *App) Operations() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.Ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
		if err := a.KeysHealth(); err != nil {
			fmt.Fprintln(w, "keys:", err)
		}
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		waiting, err := a.Queue.Waiting(r.Context())
		if err != nil {
			http.Error(w, "queue", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "# TYPE chancela_queue_jobs gauge\nchancela_queue_jobs{state=\"due\"} %d\nchancela_queue_jobs{state=\"later\"} %d\nchancela_queue_jobs{state=\"active\"} %d\n", waiting.Due, waiting.Later, waiting.Active)
		good := 1
		if a.KeysHealth() != nil {
			good = 0
		}
		fmt.Fprintf(w, "# TYPE chancela_keys_good gauge\nchancela_keys_good %d\n", good)
		if err := measureOwn(r.Context(), w, a.Record, a.DB.Now()); err != nil {
			a.o.Log.ErrorContext(r.Context(), "metrics", "error", err)
		}
	})
	return mux
}
