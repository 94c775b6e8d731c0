// Finds things on a page by what a person reads. The functions here run inside
// the page, in both browsers, so they stand alone and use nothing from outside.

// locate gives the one element of a kind with a name, or null.
//
//   field   an input, select or text area, by its label
//   option  a radio button or a check box, by its label, within the group of
//           that legend if one is given
//   button  a button; link: a link; fold: what opens and closes a part of the page
//   press   a button, or else a fold, or else a link
//
// A name that fits exactly wins over one that begins so.
export function locate({ kind, name, pattern, group }) {
  const clean = text => (text ?? '').replace(/\s+/g, ' ').trim()
  const visible = el => el.getClientRects().length > 0 && el.checkVisibility({ visibilityProperty: true })
  const byIds = ids => ids.split(/\s+/).map(id => clean(document.getElementById(id)?.textContent)).join(' ')
  const nameOf = el => {
    if (el.getAttribute('aria-labelledby')) return byIds(el.getAttribute('aria-labelledby'))
    if (el.getAttribute('aria-label')) return clean(el.getAttribute('aria-label'))
    if (el.labels?.length) return [...el.labels].map(label => {
      const copy = label.cloneNode(true)
      copy.querySelectorAll('input, select, textarea').forEach(inner => inner.remove())
      return clean(copy.textContent)
    }).join(' ')
    if (el instanceof HTMLInputElement && ['submit', 'button', 'reset'].includes(el.type)) return clean(el.value)
    const picture = [...el.querySelectorAll('img[alt], svg[aria-label]')].map(img => img.alt ?? img.getAttribute('aria-label')).join(' ')
    return clean(`${el.textContent} ${picture}`) || clean(el.title)
  }
  const kinds = {
    field: 'input:not([type=hidden],[type=submit],[type=button],[type=reset],[type=radio],[type=checkbox]), select, textarea',
    option: 'input[type=radio], input[type=checkbox]',
    button: 'button, input[type=submit], input[type=button], [role=button]',
    fold: 'summary',
    link: 'a[href]',
  }
  const inGroup = el => {
    if (!group) return true
    const set = el.closest('fieldset, [role=group], [role=radiogroup]')
    return set !== null && clean(set.querySelector('legend')?.textContent ?? nameOf(set)).startsWith(group)
  }
  const search = selector => {
    const all = [...document.querySelectorAll(selector)].filter(el => (visible(el) || (['file', 'radio', 'checkbox'].includes(el.type) && el.labels?.length > 0 && visible(el.labels[0]))) && inGroup(el))
    if (pattern) return all.find(el => new RegExp(pattern.source, pattern.flags).test(nameOf(el)))
    return all.find(el => nameOf(el) === name) ?? all.find(el => nameOf(el).startsWith(name))
  }
  return (kind === 'press' ? search(kinds.button) ?? search(kinds.fold) ?? search(kinds.link) : search(kinds[kind])) ?? null
}

// names lists what there is of a kind, for the message that says what was not found.
export function names(kind) {
  const selector = { field: 'label', option: 'label', button: 'button, input[type=submit]', fold: 'summary', link: 'a[href]', press: 'button, input[type=submit], summary, a[href]' }[kind]
  return [...document.querySelectorAll(selector)].map(el => (el.textContent || el.value || '').replace(/\s+/g, ' ').trim()).filter(Boolean).slice(0, 60)
}
