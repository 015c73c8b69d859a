// The two consent pages: shows what an application asks for, and sends what the person decides.

const { endpoint, parameter } = document.getElementById('consent').dataset;
const value = new URLSearchParams(location.search).get(parameter);

/** Shows the elements with these ids. */
const show = (...ids) => ids.forEach((id) => (document.getElementById(id).hidden = false));

const write = (id, text) => (document.getElementById(id).textContent = text);

/** The endpoint's answer; null where it was an error, which is then on the page. */
async function ask(url, options) {
    const response = await fetch(url, options);
    const answer = await response.json();
    if (response.status === 401) {
        location.assign(`/login?return_to=${encodeURIComponent(location.pathname + location.search)}`);
        return null;
    }
    if (!response.ok) {
        write('message', `${answer.error_description}.`);
        return null;
    }
    return answer;
}

async function decide(decision) {
    document.getElementById('request').hidden = true;
    const answer = await ask(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ [parameter]: value, decision })
    });
    if (answer?.location) {
        location.assign(answer.location);
    } else if (answer) {
        write('message', `The request is ${answer.status}. You may close this page.`);
    }
}

async function start() {
    if (!value && parameter === 'user_code') {
        show('code');
        return;
    }
    const request = await ask(`${endpoint}?${new URLSearchParams({ [parameter]: value ?? '' })}`);
    if (!request) {
        return;
    }
    write('client', request.client_name);
    for (const scope of request.granted_scopes) {
        const item = document.createElement('li');
        item.textContent = scope;
        document.getElementById('scopes').append(item);
    }
    if (request.inherits_user_permissions) {
        show('inherits');
    }
    if (request.user_code) {
        write('user-code', request.user_code);
        show('compare');
    }
    for (const decision of ['approve', 'deny']) {
        document.getElementById(decision).addEventListener('click', () => decide(decision));
    }
    show('request');
}

start();
