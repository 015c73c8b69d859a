import Joi from 'joi';
import type { DataSource, EntityMetadata } from 'typeorm';
import { entities } from '../../entities/index';

/** `Joi.any()`, because `Joi.object()` with keys would clone it, and a clone lacks the private members of its class. */
export const dataSource = Joi.any()
    .required()
    .custom((value: DataSource | null) => {
        if (typeof value?.getRepository !== 'function' || typeof value.hasMetadata !== 'function') {
            throw new Error('not a DataSource');
        }
        if (!value.isInitialized) {
            throw new Error('not initialised: await dataSource.initialize() first');
        }
        if (!entities.every((entity) => value.hasMetadata(entity))) {
            throw new Error("without this plugin's entities: add OAuth.entities to its entities");
        }
        if (!entities.every((entity) => hasGivenTableName(value.getMetadata(entity)))) {
            throw new Error(
                "renaming this plugin's tables: leave entityPrefix out, and a naming strategy that does so"
            );
        }
        return value;
    })
    .messages({
        'any.custom':
            '{{#label}} must be an initialised TypeORM DataSource with OAuth.entities; it is {{#error.message}}'
    });

/** Migrations and handwritten SQL use the table names of the entities. */
function hasGivenTableName({ givenTableName, tableName }: EntityMetadata): boolean {
    return tableName === givenTableName;
}
