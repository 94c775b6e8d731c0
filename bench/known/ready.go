package known

import (
	"context"
	"net/http"
)

// Ready says whether a program at an address says that it is ready.
func Ready(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	req.Close = true
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
