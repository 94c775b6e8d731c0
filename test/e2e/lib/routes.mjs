// Tells which of the router's pages no journey has opened. A pattern is one of
// Go's http.ServeMux: "GET /{portal}/casos/{id}", "GET /docs/{path...}", "/x/{$}".

// parse reads the lines of `chancela routes`: METHOD PATTERN [KIND]. KIND is
// "page" unless it says otherwise; only a page must be opened in a browser.
export function parse(text) {
  return text.split('\n').map(line => line.trim()).filter(Boolean).map(line => {
    const words = line.split(/\s+/)
    if (words[0].startsWith('/')) words.unshift('GET')
    const [method, pattern, kind = 'page'] = words
    return { method, pattern, kind, parts: parts(pattern) }
  })
}

function parts(pattern) {
  const list = pattern.slice(1).split('/').map(part => {
    if (part === '{$}') return { end: true }
    if (/^\{.*\.\.\.\}$/.test(part)) return { rest: true }
    if (/^\{.*\}$/.test(part)) return { any: true }
    return { text: decodeURIComponent(part) }
  })
  if (pattern.endsWith('/')) list[list.length - 1] = { rest: true }
  return list
}

// rank compares two patterns that match the same path, as ServeMux does: the
// more specific one wins, told at the first segment where they differ.
function rank(a, b) {
  const weight = part => !part ? 4 : part.text !== undefined || part.end ? 0 : part.any ? 1 : 2
  for (let i = 0; i < Math.max(a.parts.length, b.parts.length); i++) {
    const diff = weight(a.parts[i]) - weight(b.parts[i])
    if (diff !== 0) return diff
  }
  return 0
}

function matches(route, path) {
  const have = path.slice(1).split('/').map(decodeURIComponent)
  for (let i = 0; i < route.parts.length; i++) {
    const want = route.parts[i]
    if (want.rest) return have.length > i
    if (want.end) return have.length === i + 1 && have[i] === ''
    if (i >= have.length || (want.any ? have[i] === '' : have[i] !== want.text)) return false
  }
  return have.length === route.parts.length
}

// find gives the route that answers this path.
export function find(routes, method, path) {
  return routes.filter(r => (r.method === method || r.method === 'ANY') && matches(r, path)).sort(rank)[0]
}

// unvisited gives the pages that none of the visits ({method, path}) opened.
export function unvisited(routes, visits) {
  const seen = new Set(visits.filter(v => v.method === 'GET').map(v => find(routes, 'GET', v.path)))
  return routes.filter(r => r.method === 'GET' && r.kind === 'page' && !seen.has(r)).map(r => r.pattern)
}
