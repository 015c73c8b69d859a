import { accessTokenClaims, createSigner } from './jwt.mjs';
import { CLIENT_ID, SCOPE } from './work.mjs';
import { Application, approveCode, createSignInClient, deviceFields, requestDevice } from './sign-in.mjs';

/** Signs access tokens as the plugin does, with SIGNING_KEY (RS256). Each has its own jti. */
export async function mintAccessTokens(count, clientId = CLIENT_ID) {
    const sign = createSigner();
    return inBatches(count, () => sign({ typ: 'at+jwt' }, accessTokenClaims('account1', clientId, SCOPE.join(' '))));
}

/** Request bodies that poll for undecided device codes. */
export async function mintDeviceCodes(origin, count) {
    const application = new Application(origin, CLIENT_ID);
    return inBatches(count, async () => {
        const device = await requestDevice(application, 'account1');
        return application.form('account1', deviceFields(device)).body;
    });
}

/** Request bodies that exchange approved authorization codes, all of one client. */
export async function mintCodes(origin, count) {
    const { clientId } = await createSignInClient(origin);
    const application = new Application(origin, clientId);
    return inBatches(count, async () => {
        const fields = await approveCode(application, 'account1');
        return application.form('account1', fields).body;
    });
}

/** Makes `count` items, sixteen at a time. @param make takes the item's number */
export async function inBatches(count, make) {
    const made = [];
    while (made.length < count) {
        const numbers = Array.from({ length: Math.min(16, count - made.length) }, (_, index) => made.length + index);
        made.push(...(await Promise.all(numbers.map(make))));
    }
    return made;
}
