// What the pages do better with a script. Each works without it.

// Times in the reader's own time zone.
const times = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' });
for (const time of document.querySelectorAll('time[datetime]')) {
    time.title = time.textContent;
    time.textContent = times.format(new Date(time.dateTime));
}

// A user code in the form in which devices show it.
for (const input of document.querySelectorAll('[data-user-code]')) {
    input.addEventListener('input', () => {
        const atEnd = input.selectionStart === input.value.length;
        const code = input.value.toUpperCase().replace(/[^A-Z0-9]/g, '');
        if (atEnd && code.length <= 8) {
            input.value = code.length > 4 ? `${code.slice(0, 4)}-${code.slice(4)}` : code;
        }
    });
}

for (const box of document.querySelectorAll('.copy')) {
    const input = box.querySelector('input');
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = box.dataset.copyLabel;
    button.setAttribute('aria-describedby', input.id);
    button.addEventListener('click', async () => {
        input.select();
        try {
            await navigator.clipboard.writeText(input.value);
        } catch {
            // No permission, or no https: the older way.
            document.execCommand('copy');
        }
        button.textContent = box.dataset.copiedLabel;
        setTimeout(() => (button.textContent = box.dataset.copyLabel), 3000);
    });
    box.append(button);
}

// A page that shows a secret has another page's address from now on: loading it again makes no second secret.
const shown = document.querySelector('[data-address]');
if (shown) {
    history.replaceState(null, '', shown.dataset.address);
}

// Back from the application leads to where the application was begun, not to an answered request.
const onward = document.querySelector('[data-continue]');
if (onward) {
    location.replace(onward.href);
}

// One click is one request, until the page is come back to.
for (const form of document.querySelectorAll('form[method="post"]')) {
    form.addEventListener('submit', (event) => {
        if (form.dataset.sent) {
            event.preventDefault();
        }
        form.dataset.sent = 'yes';
    });
}
addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('[data-sent]')) {
        delete form.dataset.sent;
    }
});

document.querySelector('.problem.summary a')?.focus();
