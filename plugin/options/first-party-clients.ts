import Joi from 'joi';

/** A client that comes with the forum: public, inherits its user's permissions, device code and refresh token. */
export interface FirstPartyClient {
    clientId: string;
    name: string;
}

export const firstPartyClients = Joi.array()
    .items(
        Joi.object<FirstPartyClient>({
            clientId: Joi.string()
                .max(128)
                .pattern(/^[A-Za-z0-9._~-]+$/, 'letters, digits and ._~-')
                .required(),
            name: Joi.string().max(200).required()
        })
    )
    .unique('clientId')
    .default([{ clientId: 'storyden-cli', name: 'Storyden' }]);
